"""Carries plans out, call by call."""
