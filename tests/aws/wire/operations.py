"""What each operation of Lambda's API does in an account: parameters in, the answer's values out.

What a plan's calls do is the control plane's in memory; here is what lies around it: lists and
pages, layers, who invokes a function.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from shim.arch import Arch
from shim.aws.api import (
    LATEST,
    Alias,
    Configuration,
    NotFound,
    Refused,
)
from tests.aws.wire import services
from tests.aws.wire.shown import (
    alias_of,
    configuration,
    layer_version,
    page,
    provisioned,
    url_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shim.aws.api import Zip
    from tests.aws.wire.access import Principal
    from tests.aws.wire.account import Account, Function, LayerVersion


class Unserved(Exception):
    """An operation, or a parameter of one, that this control plane has no answer for."""


class NoProvisionedConcurrency(NotFound):
    """`ProvisionedConcurrencyConfigNotFoundException`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Operations:
    """Of one account, for `who`, or somebody who may do all; `url` is where zips are downloaded."""

    account: Account
    url: str
    who: Principal | None = None

    def carry_out(self, name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """What the operation of that name answers."""
        if name not in _OPERATIONS:
            raise Unserved(name)
        return _OPERATIONS[name](self, parameters)

    def get_function(self, given: Mapping[str, Any]) -> dict[str, Any]:
        name, function, qualifier = self._find(given)
        now = function.plane.get_function(name, qualifier)
        answer: dict[str, Any] = {
            "Configuration": configuration(self.account, name, function, now, qualifier=qualifier),
            "Code": {"RepositoryType": "S3", "Location": self._link(now.code_sha256)},
        }
        answer |= self._tags(name, function)
        if function.reserved is not None:
            answer["Concurrency"] = {"ReservedConcurrentExecutions": function.reserved}
        return answer

    def get_function_configuration(self, given: Mapping[str, Any]) -> dict[str, Any]:
        name, function, qualifier = self._find(given)
        now = function.plane.get_function(name, qualifier)
        return configuration(self.account, name, function, now, qualifier=qualifier)

    def update_function_code(self, given: Mapping[str, Any]) -> dict[str, Any]:
        name, function, _ = self._find(given)
        package = self._package(given)
        now = function.plane.get_function(name)
        arch = Arch(given["Architectures"][0]) if "Architectures" in given else Arch.X86_64
        self.account.add_package(package, function.plane)
        revision = given.get("RevisionId", now.revision)
        if given.get("DryRun"):
            function.plane.try_code(name, package, arch=arch, revision=revision)
            tried = replace(now, code_sha256=package.sha256, arch=arch)
            return configuration(self.account, name, function, tried)
        if given.get("Publish"):
            raise Unserved("UpdateFunctionCode with Publish")
        begun = function.plane.update_code(name, package, arch=arch, revision=revision)
        return configuration(self.account, name, function, begun)

    def update_function_configuration(self, given: Mapping[str, Any]) -> dict[str, Any]:
        name, function, _ = self._find(given)
        known = {"FunctionName", "RevisionId", "Runtime", "Handler", "Layers", "Environment"}
        if more := given.keys() - known:
            raise Unserved(f"UpdateFunctionConfiguration with {', '.join(sorted(more))}")
        environment = given["Environment"].get("Variables", {}) if "Environment" in given else None
        change = Configuration(
            runtime=given.get("Runtime"),
            handler=given.get("Handler"),
            layers=tuple(given["Layers"]) if "Layers" in given else None,
            environment=None if environment is None else tuple(sorted(environment.items())),
        )
        revision = given.get("RevisionId", function.plane.get_function(name).revision)
        begun = function.plane.update_configuration(name, change, revision=revision)
        return configuration(self.account, name, function, begun)

    def publish_version(self, given: Mapping[str, Any]) -> dict[str, Any]:
        name, function, _ = self._find(given)
        now = function.plane.get_function(name)
        published = function.plane.publish_version(
            name,
            code_sha256=given.get("CodeSha256", now.code_sha256),
            revision=given.get("RevisionId", now.revision),
        )
        return configuration(self.account, name, function, published, qualifier=published.version)

    def invoke(self, given: Mapping[str, Any]) -> dict[str, Any]:
        name, function, qualifier = self._find(given)
        version = function.plane.aliases.route(qualifier)
        event = given.get("Payload", b"")
        if given.get("InvocationType") == "DryRun":
            return {"StatusCode": 204}
        invoked = function.plane.invoke(name, event, qualifier=version)
        answer = {"StatusCode": 200, "Payload": invoked.payload, "ExecutedVersion": version}
        return answer | ({"FunctionError": "Unhandled"} if invoked.error_type else {})

    def get_alias(self, given: Mapping[str, Any]) -> dict[str, Any]:
        name, function, _ = self._find(given)
        return alias_of(self.account, name, function.plane.get_alias(name, given["Name"]))

    def update_alias(self, given: Mapping[str, Any]) -> dict[str, Any]:
        name, function, _ = self._find(given)
        now = function.plane.get_alias(name, given["Name"])
        other, weight = now.other_version, now.other_weight
        if "RoutingConfig" in given:
            weights = given["RoutingConfig"].get("AdditionalVersionWeights", {})
            if len(weights) > 1:
                raise Refused("at most one version besides the alias's own")
            other, weight = next(iter(weights.items()), (None, 0.0))
        moved = Alias(
            name=now.name,
            version=given.get("FunctionVersion", now.version),
            other_version=other,
            other_weight=weight,
            revision=given.get("RevisionId", now.revision),
        )
        return alias_of(self.account, name, function.plane.update_alias(name, moved))

    def list_aliases(self, given: Mapping[str, Any]) -> dict[str, Any]:
        name, function, _ = self._find(given)
        aliases = [
            alias_of(self.account, name, alias)
            for alias in function.plane.aliases
            if given.get("FunctionVersion") in {None, alias.version}
        ]
        return page("Aliases", aliases, given)

    def list_versions(self, given: Mapping[str, Any]) -> dict[str, Any]:
        name, function, _ = self._find(given)
        versions = [
            configuration(self.account, name, function, version, qualifier=version.version)
            for version in function.plane.versions
        ]
        return page("Versions", versions, given)

    def list_functions(self, given: Mapping[str, Any]) -> dict[str, Any]:
        shown = [
            configuration(self.account, name, function, version, qualifier=version.version)
            for name, function in sorted(self.account.functions.items())
            for version in function.plane.versions
            if version.version == LATEST or given.get("FunctionVersion") == "ALL"
        ]
        return page("Functions", shown, given)

    def list_mappings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        wanted = given.get("FunctionName")
        if wanted:
            name, _, qualifier = self.account.find(wanted)
            arn = self.account.arn("function", name)
            wanted = arn if qualifier == LATEST else f"{arn}:{qualifier}"
        mappings = [one for one in self.account.mappings if wanted in {None, one["FunctionArn"]}]
        return page("EventSourceMappings", mappings, given)

    def get_policy(self, given: Mapping[str, Any]) -> dict[str, Any]:
        _, function, qualifier = self._find(given)
        if qualifier not in function.policies:
            raise NotFound("The resource you requested does not exist.")
        return {"Policy": function.policies[qualifier], "RevisionId": "policy-1"}

    def list_tags(self, given: Mapping[str, Any]) -> dict[str, Any]:
        _, function, _ = self.account.find(given["Resource"])
        return {"Tags": dict(function.tags)}

    def get_url(self, given: Mapping[str, Any]) -> dict[str, Any]:
        name, function, qualifier = self._find(given)
        if qualifier not in function.urls:
            raise NotFound("The resource you requested does not exist.")
        return url_of(self.account, name, function, qualifier=qualifier)

    def list_urls(self, given: Mapping[str, Any]) -> dict[str, Any]:
        name, function, _ = self._find(given)
        urls = [
            url_of(self.account, name, function, qualifier=qualifier) for qualifier in function.urls
        ]
        return page("FunctionUrlConfigs", urls, given)

    def get_concurrency(self, given: Mapping[str, Any]) -> dict[str, Any]:
        _, function, _ = self._find(given)
        if function.reserved is None:
            return {}
        return {"ReservedConcurrentExecutions": function.reserved}

    def get_provisioned(self, given: Mapping[str, Any]) -> dict[str, Any]:
        name, function, qualifier = self._find(given)
        config = function.plane.get_provisioned(name, qualifier)
        if config is None:
            raise NoProvisionedConcurrency("No Provisioned Concurrency Config found")
        return provisioned(config)

    def list_provisioned(self, given: Mapping[str, Any]) -> dict[str, Any]:
        name, function, _ = self._find(given)
        arn = self.account.arn("function", name)
        configs = [
            provisioned(config) | {"FunctionArn": f"{arn}:{alias}"}
            for alias, config in function.plane.provisioning.configs.items()
        ]
        return page("ProvisionedConcurrencyConfigs", configs, given)

    def publish_layer(self, given: Mapping[str, Any]) -> dict[str, Any]:
        content = given["Content"]
        data = content["ZipFile"] if "ZipFile" in content else self._object(content)
        architectures = given.get("CompatibleArchitectures", ())
        name = given["LayerName"].rpartition(":")[2]
        self.account.add_layer(name, data, architectures=architectures)
        return self._layer(self.account.layers[name][-1])

    def list_layer_versions(self, given: Mapping[str, Any]) -> dict[str, Any]:
        versions = self.account.layers.get(given["LayerName"].rpartition(":")[2], [])
        shown = [layer_version(version) for version in reversed(versions)]
        return page("LayerVersions", shown, given)

    def get_layer_version(self, given: Mapping[str, Any]) -> dict[str, Any]:
        arn = self.account.arn("layer", given["LayerName"].rpartition(":")[2])
        return self._layer_of(f"{arn}:{given['VersionNumber']}")

    def get_layer_version_by_arn(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return self._layer_of(given["Arn"])

    def _tags(self, name: str, function: Function) -> dict[str, Any]:
        """Who may not list them gets the rest of the answer all the same."""
        arn = self.account.arn("function", name)
        if self.who and (denial := self.who.denial("lambda:ListTags", arn)):
            return {"TagsError": {"ErrorCode": "AccessDeniedException", "Message": str(denial)}}
        return {"Tags": dict(function.tags)} if function.tags else {}

    def _find(self, given: Mapping[str, Any]) -> tuple[str, Function, str]:
        return self.account.find(given["FunctionName"], given.get("Qualifier", ""))

    def _package(self, given: Mapping[str, Any]) -> Zip:
        return self.account.keep(given["ZipFile"] if "ZipFile" in given else self._object(given))

    def _object(self, given: Mapping[str, Any]) -> bytes:
        if not {"S3Bucket", "S3Key"} <= given.keys():
            raise Refused("Please provide a source for function code.")
        return services.read_object(
            self.account.number, given["S3Bucket"], given["S3Key"], given.get("S3ObjectVersion")
        )

    def _link(self, code_sha256: str) -> str:
        return f"{self.url}{self.account.path_of(code_sha256)}?X-Amz-Signature=secret"

    def _layer_of(self, arn: str) -> dict[str, Any]:
        for version in self.account.layers.get(arn.split(":")[-2], []):
            if version.arn == arn:
                return self._layer(version)
        raise NotFound("The resource you requested does not exist.")

    def _layer(self, version: LayerVersion) -> dict[str, Any]:
        content = {
            "Location": self._link(version.package.sha256),
            "CodeSha256": version.package.sha256,
            "CodeSize": version.package.path.stat().st_size,
        }
        layer_arn = version.arn.rpartition(":")[0]
        return layer_version(version) | {"Content": content, "LayerArn": layer_arn}


_OPERATIONS: Mapping[str, Callable[[Operations, Mapping[str, Any]], dict[str, Any]]] = {
    "GetFunction": Operations.get_function,
    "GetFunctionConfiguration": Operations.get_function_configuration,
    "UpdateFunctionCode": Operations.update_function_code,
    "UpdateFunctionConfiguration": Operations.update_function_configuration,
    "PublishVersion": Operations.publish_version,
    "Invoke": Operations.invoke,
    "GetAlias": Operations.get_alias,
    "UpdateAlias": Operations.update_alias,
    "ListAliases": Operations.list_aliases,
    "ListVersionsByFunction": Operations.list_versions,
    "ListFunctions": Operations.list_functions,
    "ListEventSourceMappings": Operations.list_mappings,
    "GetPolicy": Operations.get_policy,
    "ListTags": Operations.list_tags,
    "GetFunctionUrlConfig": Operations.get_url,
    "ListFunctionUrlConfigs": Operations.list_urls,
    "GetFunctionConcurrency": Operations.get_concurrency,
    "GetProvisionedConcurrencyConfig": Operations.get_provisioned,
    "ListProvisionedConcurrencyConfigs": Operations.list_provisioned,
    "PublishLayerVersion": Operations.publish_layer,
    "ListLayerVersions": Operations.list_layer_versions,
    "GetLayerVersion": Operations.get_layer_version,
    "GetLayerVersionByArn": Operations.get_layer_version_by_arn,
}
