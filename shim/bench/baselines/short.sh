#!/bin/sh
exec "./$_HANDLER"
