"""Templates of SAM made by chance, each beside what it comes to in CloudFormation's own words.

What is wanted is drawn first; SAM's side then hides it in globals, parameters, conditions, mappings
and functions, the other says it plainly.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from random import Random

RULE, PERMISSION, MAPPING = (
    "AWS::Events::Rule",
    "AWS::Lambda::Permission",
    "AWS::Lambda::EventSourceMapping",
)
QUEUE = "arn:aws:sqs:eu-west-1:1:q"
STREAM = "arn:aws:kinesis:eu-west-1:1:stream/s"
EVENTS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "AlexaSkill": ({}, (PERMISSION,)),
    "Api": ({"Path": "/{id}", "Method": "get"}, ("AWS::ApiGateway::RestApi", PERMISSION)),
    "CloudWatchEvent": ({"Pattern": {"source": ["shop"]}}, (RULE, PERMISSION)),
    "CloudWatchLogs": (
        {"LogGroupName": "/shop", "FilterPattern": "x"},
        ("AWS::Logs::SubscriptionFilter", PERMISSION),
    ),
    "Cognito": (
        {"UserPool": {"Ref": "{id}Cognito"}, "Trigger": "PreSignUp"},
        ("AWS::Cognito::UserPool", PERMISSION),
    ),
    "DynamoDB": ({"Stream": STREAM, "StartingPosition": "LATEST"}, (MAPPING,)),
    "EventBridgeRule": ({"Pattern": {"source": ["shop"]}}, (RULE, PERMISSION)),
    "HttpApi": ({"Path": "/{id}", "Method": "get"}, ("AWS::ApiGatewayV2::Api", PERMISSION)),
    "IoTRule": ({"Sql": "SELECT * FROM 'x'"}, ("AWS::IoT::TopicRule", PERMISSION)),
    "Kinesis": ({"Stream": STREAM, "StartingPosition": "LATEST"}, (MAPPING,)),
    "MSK": ({"Stream": STREAM, "StartingPosition": "LATEST", "Topics": ["t"]}, (MAPPING,)),
    "S3": (
        {"Bucket": {"Ref": "{id}S3"}, "Events": "s3:ObjectCreated:*"},
        ("AWS::S3::Bucket", PERMISSION),
    ),
    "SNS": ({"Topic": "arn:aws:sns:eu-west-1:1:t"}, ("AWS::SNS::Subscription", PERMISSION)),
    "SQS": ({"Queue": QUEUE}, (MAPPING,)),
    "Schedule": ({"Schedule": "rate(1 hour)"}, (RULE, PERMISSION)),
    "ScheduleV2": ({"ScheduleExpression": "rate(1 hour)"}, ("AWS::Scheduler::Schedule",)),
}
"""What each kind of event takes, and what SAM makes of it that invokes the function."""

NEEDED = {"Cognito": "AWS::Cognito::UserPool", "S3": "AWS::S3::Bucket"}
"""What SAM wants to find in the template."""

_LAYER = "arn:aws:lambda:eu-west-1:1:layer:tools"


@dataclass(kw_only=True)
class Made:
    """One template, twice."""

    random: Random
    given: dict[str, str] = field(default_factory=dict)
    """Parameters as they are said to both readers."""
    sam: dict[str, Any] = field(
        default_factory=lambda: {
            "Transform": "AWS::Serverless-2016-10-31",
            **{name: {} for name in ("Globals", "Parameters", "Mappings", "Conditions")},
            "Resources": {},
            "Outputs": {},
        }
    )
    plain: dict[str, Any] = field(default_factory=lambda: {"Resources": {}, "Outputs": {}})

    def hidden(self, text: Any, *, ways: int = 9) -> Any:
        """An expression that comes to this text; the first few ways go in a condition too."""
        if not isinstance(text, str):
            return text
        name = f"N{len(self.sam['Parameters']) + len(self.sam['Mappings'])}"
        match self.random.randrange(ways):
            case 0:
                self.sam["Parameters"][name] = {"Type": "String", "Default": text}
                return {"Ref": name}
            case 1:
                self.sam["Parameters"][name] = {"Type": "String", "Default": "other"}
                self.given[name] = text
                return {"Fn::Sub": f"${{{name}}}"}
            case 2:
                self.sam["Mappings"][name] = {"eu": {"prod": text}}
                return {"Fn::FindInMap": [name, "eu", "prod"]}
            case 3:
                return {"Fn::Join": ["", [text[:2], text[2:]]]}
            case 4:
                holds = self.random.random() < 0.5
                branches = [text, "other"] if holds else ["other", text]
                return {"Fn::If": [self.condition(holds=holds), *branches]}
            case 5:
                return {"Fn::Select": ["1", ["other", text]]}
            case _:
                return text

    def condition(self, *, holds: bool) -> str:
        """The name of a condition that holds, or doesn't."""
        name = f"C{len(self.sam['Conditions'])}"
        test: dict[str, Any] = {"Fn::Equals": [self.hidden("a", ways=3), "a" if holds else "b"]}
        if self.random.random() < 0.3:
            test = {"Fn::Not": [{"Fn::Not": [test]}]}
        self.sam["Conditions"][name] = test
        return name


def made(random: Random) -> Made:
    """A template with a few functions."""
    one = Made(random=random)
    usual = _settings(random, "Usual")
    for name in [key for key in usual if random.random() < 0.5]:
        del usual[name]
    one.sam["Globals"]["Function"] = _said(one, usual)
    layers = [_add_layer(one)] if random.random() < 0.5 else []
    for number in range(random.randint(1, 4)):
        _add_function(one, f"F{number}", usual, layers)
    one.sam = {name: section for name, section in one.sam.items() if section}
    return one


def _settings(random: Random, name: str) -> dict[str, Any]:
    """What is wanted of a function, in CloudFormation's words."""
    return {
        "Runtime": random.choice(["provided.al2023", "provided.al2", "python3.13"]),
        "Handler": random.choice(["bin/orders", "bootstrap", "app.handler"]),
        "Architectures": [random.choice(["x86_64", "arm64"])],
        "Layers": [f"{_LAYER}-{name}:{random.randint(1, 9)}"] * random.randint(0, 1),
        "Environment": {"Variables": {name: random.choice(["1", "two"])}},
        "Code": random.choice([{"S3Bucket": "b", "S3Key": f"{name}.zip"}, f"build/{name}"]),
    }


def _said(one: Made, settings: dict[str, Any]) -> dict[str, Any]:
    """The same in SAM's words, some of it hidden."""
    said: dict[str, Any] = {}
    for name, value in settings.items():
        match value:
            case _ if name == "Code":
                said["CodeUri"] = _uri(one.random, value)
            case {"Variables": variables}:
                hidden = {key: one.hidden(text) for key, text in variables.items()}
                said[name] = {"Variables": hidden}
            case list():
                said[name] = list(map(one.hidden, value))
            case _:
                said[name] = one.hidden(value)
    return said


def _uri(random: Random, code: dict[str, str] | str) -> dict[str, str] | str:
    if isinstance(code, str):
        return code
    if random.random() < 0.5:
        return f"s3://{code['S3Bucket']}/{code['S3Key']}"
    return {"Bucket": code["S3Bucket"], "Key": code["S3Key"]}


def _add_layer(one: Made) -> dict[str, str]:
    """A layer that the template makes; how it is referred to."""
    in_s3 = {"S3Bucket": "b", "S3Key": "layer.zip"}
    content = in_s3 if one.random.random() < 0.5 else "layer"
    both = {"CompatibleArchitectures": one.random.choice([["arm64"], ["x86_64", "arm64"]])}
    one.sam["Resources"]["Tools"] = _resource(
        "AWS::Serverless::LayerVersion", ContentUri=_uri(one.random, content), **both
    )
    one.plain["Resources"]["Tools"] = _resource(
        "AWS::Lambda::LayerVersion", Content=content, **both
    )
    return {"Ref": "Tools"}


def _add_function(one: Made, id_: str, usual: dict[str, Any], layers: list[Any]) -> None:
    random = one.random
    own = _settings(random, id_)
    for name in usual:
        if random.random() < 0.5:
            del own[name]
    own["Layers"] = [*own.get("Layers", []), *(layers if random.random() < 0.5 else [])]
    said, wanted = _said(one, own), _merged(usual, own)
    _add_others(one, id_, said, wanted)
    resources = {id_: _resource("AWS::Lambda::Function", **wanted)}
    resources[f"{id_}Role"] = _resource("AWS::IAM::Role")
    target = _add_alias(one, id_, said, resources)
    _add_events(one, id_, said, resources, target)
    holds = random.choice([None, None, True, False])
    condition = {} if holds is None else {"Condition": one.condition(holds=holds)}
    arn = {"Value": {"Fn::GetAtt": [id_, "Arn"]}}
    one.sam["Resources"][id_] = _resource("AWS::Serverless::Function", **said) | condition
    one.sam["Outputs"][id_] = arn | condition
    if holds is not False:
        one.plain["Resources"] |= resources
        one.plain["Outputs"][id_] = arn


def _merged(usual: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Those of a function over those of Globals: layers and variables are added to."""
    both = usual | own
    both["Layers"] = [*usual.get("Layers", []), *own["Layers"]]
    environments = [one["Environment"]["Variables"] for one in (usual, own) if "Environment" in one]
    variables = {name: text for one in environments for name, text in one.items()}
    return {**both, "Environment": {"Variables": variables}}


def _add_others(one: Made, id_: str, said: dict[str, Any], wanted: dict[str, Any]) -> None:
    """A name, a role and a dead-letter queue, or none."""
    if one.random.random() < 0.5:
        wanted["FunctionName"] = f"shop-{id_}"
        said["FunctionName"] = one.hidden(f"shop-{id_}")
    if one.random.random() < 0.5:
        said["Role"] = wanted["Role"] = "arn:aws:iam::1:role/shop"
    else:
        wanted["Role"] = {"Fn::GetAtt": [f"{id_}Role", "Arn"]}
    if one.random.random() < 0.3:
        wanted["DeadLetterConfig"] = {"TargetArn": QUEUE}
        said["DeadLetterQueue"] = {"Type": "SQS", "TargetArn": QUEUE}


def _add_alias(
    one: Made, id_: str, said: dict[str, Any], resources: dict[str, Any]
) -> dict[str, Any]:
    """An alias, or none; what events then invoke."""
    random = one.random
    if random.random() < 0.5:
        return {"Fn::GetAtt": [id_, "Arn"]}
    name = random.choice(["live", "Blue"])
    # SAM takes a parameter there, and no function.
    said["AutoPublishAlias"] = one.hidden(name, ways=1) if random.random() < 0.3 else name
    said["AutoPublishAliasAllProperties"] = random.random() < 0.5
    function = {"FunctionName": {"Ref": id_}}
    resources[f"{id_}Version"] = _resource("AWS::Lambda::Version", **function)
    resources[f"{id_}Alias"] = _resource("AWS::Lambda::Alias", **function, Name=name)
    if random.random() < 0.3:
        said["DeploymentPreference"] = {"Type": "Linear10PercentEvery1Minute"}
        resources[f"{id_}Alias"]["UpdatePolicy"] = {"CodeDeployLambdaAliasUpdate": {}}
    return {"Ref": f"{id_}Alias"}


def _add_events(
    one: Made, id_: str, said: dict[str, Any], resources: dict[str, Any], target: dict[str, Any]
) -> None:
    random = one.random
    for kind in random.sample(sorted(EVENTS), random.randint(0, 3)):
        properties, types = EVENTS[kind]
        said.setdefault("Events", {})[f"On{kind}"] = {
            "Type": kind,
            "Properties": _of_function(properties, id_),
        }
        if kind in NEEDED:
            one.sam["Resources"][f"{id_}{kind}"] = _resource(NEEDED[kind])
        for type_ in types:
            resources[f"{id_}{kind}{type_}"] = _resource(type_, FunctionName=target)
    if random.random() < 0.2:
        said["FunctionUrlConfig"] = {"AuthType": "NONE"}
        for type_ in ("AWS::Lambda::Url", PERMISSION):
            resources[f"{id_}Url{type_}"] = _resource(type_, FunctionName=target)


def _of_function(properties: dict[str, Any], id_: str) -> dict[str, Any]:
    """With the function's id where it has to be another one for each."""
    text: dict[str, Any] = json.loads(json.dumps(properties).replace("{id}", id_))
    return text


def _resource(type_: str, **properties: Any) -> dict[str, Any]:
    return {"Type": type_, "Properties": properties}
