"""What becomes `bootstrap`: the launch path, its report, and the explanation behind it."""
