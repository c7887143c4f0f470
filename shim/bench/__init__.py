"""Measures the launcher against what stands as `bootstrap` elsewhere."""
