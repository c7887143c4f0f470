"""shim: a native `bootstrap` for AWS Lambda's OS-only runtimes, and the tools around it."""

__version__ = "0.1.0"
