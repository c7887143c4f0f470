"""The functions that are written down in `functions.json`, as an app of AWS CDK."""

import json
from pathlib import Path

from aws_cdk import App, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as functions
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk.aws_iam import Role
from aws_cdk.aws_kinesis import Stream
from aws_cdk.aws_sns import Topic
from aws_cdk.aws_sns_subscriptions import LambdaSubscription
from aws_cdk.aws_sqs import Queue

STACK = 20
"""Functions in one stack, which may have 500 resources."""


def add(stack, one):
    """One function, its alias, and what invokes it."""
    arns = enumerate(one["layers"])
    layer = functions.LayerVersion.from_layer_version_arn
    name = one["name"]
    topic = Topic.from_topic_arn(stack, f"{name}Failed", one["failed"]) if one["failed"] else None
    function = functions.Function(
        stack,
        name,
        function_name=name,
        runtime=functions.Runtime(one["runtime"]),
        architecture=functions.Architecture.custom(one["architecture"]),
        handler=one["handler"],
        code=functions.Code.from_asset("shop.zip"),
        layers=[layer(stack, f"{name}Layer{index}", arn) for index, arn in arns],
        environment=one["environment"],
        role=Role.from_role_arn(stack, f"{name}Role", one["role"], mutable=False),
        dead_letter_topic=topic,
    )
    target = function
    if one["alias"]:
        version = function.current_version
        target = functions.Alias(stack, f"{name}Alias", alias_name=one["alias"], version=version)
    for kind in one["events"]:
        EVENTS[kind](stack, f"{name}{kind}", target)


def invoke_by_rule(stack, id_, function, **what):
    """A rule of EventBridge."""
    events.Rule(stack, id_, **what).add_target(targets.LambdaFunction(function))


def invoke_by_stream(stack, id_, function):
    """An event source mapping of Kinesis."""
    stream = Stream.from_stream_arn(stack, id_, "arn:aws:kinesis:eu-west-1:123456789012:stream/s")
    start = functions.StartingPosition.LATEST
    function.add_event_source(sources.KinesisEventSource(stream, starting_position=start))


def invoke_by_queue(stack, id_, function):
    """An event source mapping of SQS."""
    queue = Queue.from_queue_arn(stack, id_, "arn:aws:sqs:eu-west-1:123456789012:q")
    function.add_event_source(sources.SqsEventSource(queue))


def invoke_by_topic(stack, id_, function):
    """A subscription of SNS."""
    topic = Topic.from_topic_arn(stack, id_, "arn:aws:sns:eu-west-1:123456789012:t")
    topic.add_subscription(LambdaSubscription(function))


EVENTS = {
    "pattern": lambda *on: invoke_by_rule(*on, event_pattern={"source": ["shop"]}),
    "queue": invoke_by_queue,
    "schedule": lambda *on: invoke_by_rule(*on, schedule=events.Schedule.expression("rate(1 day)")),
    "stream": invoke_by_stream,
    "topic": invoke_by_topic,
    "url": lambda _stack, _id, function: function.add_function_url(
        auth_type=functions.FunctionUrlAuthType.NONE
    ),
}

app = App()
wanted = json.loads(Path("functions.json").read_text())
for start in range(0, len(wanted), STACK):
    stack = Stack(app, f"Shop{start}")
    for one in wanted[start : start + STACK]:
        add(stack, one)
app.synth()
