#!/bin/sh
case $- in *B*) exec "${0%bootstrap}.shim/${BASH_VERSINFO[5]%%-*}" "$@" ;; esac; exec "${0%bootstrap}.shim/$(uname -m)" "$@"
