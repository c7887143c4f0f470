"""`python -m shim` is the command `shim`."""

from shim.cli.main import entry_point

entry_point()
