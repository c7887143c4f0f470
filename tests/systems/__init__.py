"""shim on other systems than Linux, as far as that can be seen from here."""
