"""Go programs, and what is read of how they were built."""
