"""Where a function, its layers and its aliases are read: in files, or in an account."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from shim.aws.function import NamedFunction, read_function
from shim.cli.cache import used_cache
from shim.cli.connecting import open_connection
from shim.deploy.position import as_shown
from shim.errors import InputError
from shim.package.packages import code_sha256

if TYPE_CHECKING:
    import argparse

    from shim.deploy.folder import Deployment

    Paths = dict[str, Path]
    """Where the zips of layers lie, by ARN."""


class Found(NamedTuple):
    """A function, and where its package lies."""

    named: NamedFunction
    package: Path


class Source(Protocol):
    """One of both."""

    has_layers: bool
    """Whether it finds each layer by its ARN."""

    def function(self) -> Found:
        """What the function is now."""

    def version(self, alias: str) -> tuple[str, Found]:
        """The version that `NAME[=VERSION]` points to, and what that is."""

    def layer(self, arn: str) -> Path:
        """The zip of the layer."""


def open_source(arguments: argparse.Namespace, paths: Paths) -> Source:
    """What `--from` or `--function` says; `paths` are known already."""
    return Account(arguments, paths) if arguments.function else Files(arguments, paths)


class Files:
    """`--from`, `--from-package` and the layers' zips."""

    has_layers = False

    def __init__(self, arguments: argparse.Namespace, paths: Paths) -> None:
        self._paths = paths
        named = read_function(arguments.from_file)
        if arguments.from_package is None:
            raise InputError(
                "where is the package that the function has now? give it: `--from-package ZIP`",
                hint='curl -o old.zip "$(aws lambda get-function --function-name'
                f' {named.name or "NAME"} --query Code.Location --output text)"',
            )
        self._found = Found(named, arguments.from_package)

    def function(self) -> Found:
        """See `Source`."""
        return self._found

    def version(self, alias: str) -> tuple[str, Found]:
        """See `Source`: nothing is known of the version; that it is what `--from` says is usual."""
        name, _, version = alias.partition("=")
        if not version.isdecimal():
            raise InputError(
                f"which version does the alias point to now? `--alias {name}=VERSION`",
                hint=f"aws lambda get-alias --function-name NAME --name {name}",
            )
        return version, self._found

    def layer(self, arn: str) -> Path:
        """See `Source`."""
        if arn not in self._paths:
            raise InputError(
                f"where is the zip of the layer `{arn}`?",
                hint=f"give it: `--from-layer {arn}=ZIP` or `--layer {arn}=ZIP`",
            )
        return self._paths[arn]


class Saved:
    """What a deployment began with; what isn't in its folder is read where it is."""

    def __init__(self, deployment: Deployment, other: Source) -> None:
        self._deployment, self._other = deployment, other
        self._layers = {arn: Path(layer.path) for layer, arn in deployment.arns.items()}
        self.has_layers = other.has_layers

    def function(self) -> Found:
        """See `Source`."""
        begin, target = self._deployment.latest.begin, self._deployment.target
        layers = tuple(self._deployment.arns[layer] for layer in begin.layers)
        package = begin.package
        shown = as_shown(begin, code_sha256=code_sha256(package) or "", layers=layers)
        named = NamedFunction(name=target.name, arn=target.arn, function=shown)
        return Found(named, Path(package.path))

    def version(self, alias: str) -> tuple[str, Found]:
        """See `Source`; which it was, the plan says, and nobody asks for it again."""
        return alias.partition("=")[2], self.function()

    def layer(self, arn: str) -> Path:
        """See `Source`."""
        return self._layers[arn] if arn in self._layers else self._other.layer(arn)


class Account:
    """`--function`; what it reads is kept in the cache folder."""

    has_layers = True

    def __init__(self, arguments: argparse.Namespace, paths: Paths) -> None:
        self._client: Any = open_connection(arguments, tries=5).client()
        self._name: str = arguments.function
        self._paths = paths
        self._folder = used_cache() / "functions"

    def function(self) -> Found:
        """See `Source`."""
        return self._fetch()

    def version(self, alias: str) -> tuple[str, Found]:
        """See `Source`."""
        from shim.aws.boto import BotoApi

        name, equals, _ = alias.partition("=")
        if equals:
            raise InputError(f"the account knows the alias's version: `--alias {name}`")
        now = BotoApi(self._client).get_alias(self._name, name)
        if now.other_version:
            raise InputError(
                f"the alias {name} is split: {now.other_weight:.0%} of its traffic goes to version"
                f" {now.other_version}, the rest to {now.version}",
                hint="something is moving it, or left it so: bring it to one version first",
            )
        return now.version, self._fetch(qualifier=now.version)

    def layer(self, arn: str) -> Path:
        """See `Source`."""
        from shim.aws.boto import fetch_layer

        if arn not in self._paths:
            self._paths[arn] = fetch_layer(self._client, arn, folder=self._folder)
        return self._paths[arn]

    def _fetch(self, **which: str) -> Found:
        from shim.aws.boto import fetch_function

        live = fetch_function(
            self._client, self._name, folder=self._folder, known=self._paths, **which
        )
        self._paths |= live.layers
        return Found(live.named, live.package)
