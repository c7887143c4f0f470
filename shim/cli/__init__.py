"""One module a command: parse the words, call the core, print what it gives."""
