"""What the commands print for people: one module a command, values in, text on a console out."""
