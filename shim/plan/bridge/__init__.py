"""Packages and layers that start on both sides of a change, where neither side's own do."""
