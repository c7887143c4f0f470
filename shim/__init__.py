"""shim: a native `bootstrap` for AWS Lambda's OS-only runtimes, and the tools around it.

`launcher` is what becomes `bootstrap`. The rest, from the ground up, each room knowing only those
before it: `arch`, `errors`, `text`, `fields`, `document`, `elf`; `package`; `check`; `aws`; `plan`;
`deploy`; and `emulate`, `simulate`, `bench`; `cli` over all. docs/why/architecture.md says more.
"""

__version__ = "0.1.0"
