"""A function under traffic while it is changed, naively and by plan, on a virtual clock."""
