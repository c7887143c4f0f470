"""Finds the calls that change a function with no failed invocation, and writes and reads them."""
