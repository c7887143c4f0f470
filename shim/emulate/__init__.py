"""Starts packages for real, under AWS's Runtime Interface Emulator, and invokes them."""
