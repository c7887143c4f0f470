"""Makes several deployments of a dangerous one, each of which passes only through what starts."""
