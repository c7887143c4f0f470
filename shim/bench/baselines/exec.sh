#!/bin/sh
exec "${PWD}/${_HANDLER}"
