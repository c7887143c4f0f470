"""Changes a function's package, architecture and configuration with no failed invocation."""
