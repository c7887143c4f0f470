"""Whose a function is, by its tags."""

from __future__ import annotations

import pytest

from shim.aws.owner import owner_of

STACK = {"aws:cloudformation:stack-name": "shop", "aws:cloudformation:logical-id": "Orders"}


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (STACK, "CloudFormation shop"),
        (STACK | {"lambda:createdBy": "SAM"}, "SAM shop"),
        (STACK | {"lambda:createdBy": "somebody"}, "CloudFormation shop"),
        (STACK | {"STAGE": "prod"}, "Serverless shop"),
        ({"ManagedBy": "Terraform"}, "Terraform"),
        ({"managed-by": "terraform", "team": "shop"}, "Terraform"),
        ({"Terraform": "true"}, "Terraform"),
        ({"created_by": "opentofu"}, "OpenTofu"),
        ({"pulumi:project": "shop"}, "Pulumi"),
        ({"STAGE": "prod", "lambda:createdBy": "SAM"}, "None"),
        ({"ManagedBy": "the shop's team"}, "None"),
        ({}, "None"),
    ],
)
def test_a_function_is_whose_tags_it_has(tags: dict[str, str], expected: str) -> None:
    assert str(owner_of(tags)) == expected


def test_the_tag_that_says_so_is_named() -> None:
    owner = owner_of(STACK | {"lambda:createdBy": "SAM"})
    assert owner
    assert owner.tag == "lambda:createdBy"
