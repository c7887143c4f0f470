"""Reads the templates that functions are deployed by, old and new, and says what a change does."""
