"""Says of every function of an account how it gets to where it shall be, and what is against it."""
