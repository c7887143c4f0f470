#!/bin/sh
case $- in *B*) exec "${0%extensions/*}.extensions/${BASH_VERSINFO[5]%%-*}/${0##*/}" "$@" ;; esac; exec "${0%extensions/*}.extensions/$(uname -m)/${0##*/}" "$@"
