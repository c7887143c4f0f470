"""Orders from an event bus, a report every night, and an extension that watches both."""

from aws_cdk import App, Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk.aws_lambda import Alias, Architecture, Code, Function, LayerVersion, Runtime

ARCHITECTURE = Architecture.X86_64
PACKAGE = "out/shop-x86_64.zip"
LAYER, LAYER_ARCHITECTURES = "out/audit-x86_64.zip", [Architecture.X86_64]

app = App()
stack = Stack(app, "Shop")
audit = LayerVersion(
    stack,
    "Audit",
    layer_version_name="shop-audit",
    code=Code.from_asset(LAYER),
    compatible_architectures=LAYER_ARCHITECTURES,
)


def function(name: str, handler: str) -> Function:
    """One of the handlers in the package."""
    return Function(
        stack,
        name,
        function_name=f"shop-{name.lower()}",
        runtime=Runtime.PROVIDED_AL2023,
        architecture=ARCHITECTURE,
        handler=handler,
        code=Code.from_asset(PACKAGE),
        layers=[audit],
        timeout=Duration.seconds(10),
    )


placed = events.Rule(
    stack, "Placed", event_pattern={"source": ["shop"], "detail_type": ["order placed"]}
)
detail = events.RuleTargetInput.from_event_path("$.detail")
placed.add_target(targets.LambdaFunction(function("Orders", "bin/orders"), event=detail))

report = function("Report", "bin/report")
live = Alias(stack, "Live", alias_name="live", version=report.current_version)
nightly = events.Rule(stack, "Nightly", schedule=events.Schedule.rate(Duration.days(1)))
rows = events.RuleTargetInput.from_object({"csv": "region,cents\nnorth,1200\n"})
nightly.add_target(targets.LambdaFunction(live, event=rows))

app.synth()
