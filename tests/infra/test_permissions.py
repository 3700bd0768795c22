"""Least privilege, read from the synthesised policies: what each role may do, and what bounds it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

# Actions for which AWS defines no resource type (service authorization reference).
WITHOUT_RESOURCES = {
    "ec2:DescribeInstances",
    "ec2:DescribeSpotPriceHistory",
    "cloudwatch:GetMetricData",
    "cloudwatch:PutMetricData",
    # Lambda's network interfaces: AWS wants these on "*"; the function's own code is denied them
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
}
TAG = "cloudpits:experiment"


@dataclass(frozen=True)
class Statement:
    """One statement of a role's policy, references as text."""

    role: str
    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Mapping[str, Any]


def listed(value: Any) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, list) else (value,)


@pytest.fixture(scope="session")
def statements(assembly: Any, readable: Callable[..., Any]) -> list[Statement]:
    return [each for stack in (assembly.shared, assembly.experiment) for each in _statements(stack, readable)]


def _statements(stack: Any, readable: Callable[..., Any]) -> Iterator[Statement]:
    for policy in stack.of_type("AWS::IAM::Policy").values():
        for each in readable(policy["PolicyDocument"]["Statement"]):
            yield Statement(
                role=readable(policy["Roles"][0]),
                effect=each["Effect"],
                actions=listed(each["Action"]),
                resources=listed(each["Resource"]),
                conditions=each.get("Condition", {}),
            )


@pytest.fixture
def allowed(statements: list[Statement]) -> Callable[..., list[Statement]]:
    """Statements that allow an action, to roles whose name has a part."""

    def find(action: str, role: str = "") -> list[Statement]:
        return [s for s in statements if s.effect == "Allow" and action in s.actions and role in s.role]

    return find


def test_no_statement_allows_a_wildcard_action(statements: list[Statement]) -> None:
    assert statements
    assert not [action for each in statements for action in each.actions if "*" in action]


def test_every_resource_is_named_unless_aws_knows_none_for_the_action(statements: list[Statement]) -> None:
    unbounded = {action for s in statements if s.effect == "Allow" and "*" in s.resources for action in s.actions}
    assert unbounded <= WITHOUT_RESOURCES


def test_no_role_has_a_managed_policy(assembly: Any) -> None:
    roles = [
        *assembly.shared.of_type("AWS::IAM::Role").values(),
        *assembly.experiment.of_type("AWS::IAM::Role").values(),
    ]
    assert roles
    assert not [role for role in roles if "ManagedPolicyArns" in role]


def test_instances_are_launched_only_from_the_experiments_templates(allowed: Callable[..., list[Statement]]) -> None:
    unconditional, *bound = sorted(allowed("ec2:RunInstances"), key=lambda each: len(each.conditions))
    assert len(unconditional.resources) == 3
    assert all(":launch-template/<Instances" in resource for resource in unconditional.resources)
    assert len(bound) == 2
    for each in bound:
        assert sorted(each.conditions["ArnEquals"]["ec2:LaunchTemplate"]) == sorted(unconditional.resources)


def test_image_and_groups_of_the_template_cannot_be_replaced(allowed: Callable[..., list[Statement]]) -> None:
    (fixed,) = (each for each in allowed("ec2:RunInstances") if "Bool" in each.conditions)
    assert fixed.conditions["Bool"] == {"ec2:IsLaunchTemplateResource": "true"}
    assert {resource.split(":")[-1].split("/")[0] for resource in fixed.resources} == {"security-group", "image"}


def test_a_launch_may_choose_among_our_subnets_which_no_template_names(
    allowed: Callable[..., list[Statement]],
) -> None:
    (choosing,) = (each for each in allowed("ec2:RunInstances") if set(each.conditions) == {"ArnEquals"})
    assert any(":subnet/" in resource for resource in choosing.resources)


def test_instances_read_only_their_jobs_secret(allowed: Callable[..., list[Statement]]) -> None:
    readers = allowed("secretsmanager:GetSecretValue", "<Instances")
    assert len(readers) == 2
    assert len({each.resources for each in readers}) == 1
    assert readers[0].resources[0].startswith("<InstancesSecret")


def test_instances_are_launched_only_into_our_subnets_and_groups(allowed: Callable[..., list[Statement]]) -> None:
    resources = [resource for each in allowed("ec2:RunInstances") for resource in each.resources]
    for kind, count in {"subnet": 3, "security-group": 2}.items():
        named = [resource for resource in resources if f":{kind}/" in resource]
        assert len(named) == count
        assert not [resource for resource in named if "*" in resource]


def test_instances_are_ended_only_with_the_experiments_tag(allowed: Callable[..., list[Statement]]) -> None:
    (ending,) = allowed("ec2:TerminateInstances")
    assert ending.conditions == {"StringEquals": {f"aws:ResourceTag/{TAG}": "demo"}}


def test_tags_are_given_only_at_launch_and_only_with_the_experiments(allowed: Callable[..., list[Statement]]) -> None:
    (tagging,) = allowed("ec2:CreateTags")
    assert tagging.conditions == {"StringEquals": {"ec2:CreateAction": "RunInstances", f"aws:RequestTag/{TAG}": "demo"}}


def test_roles_are_passed_only_to_the_service_that_needs_them(allowed: Callable[..., list[Statement]]) -> None:
    passed = {
        each.conditions["StringEquals"]["iam:PassedToService"]: each.resources for each in allowed("iam:PassRole")
    }
    assert set(passed) == {"ec2.amazonaws.com", "scheduler.amazonaws.com"}
    assert len(passed["ec2.amazonaws.com"]) == 2
    assert all(role.startswith("<Instances") for role in passed["ec2.amazonaws.com"])
    assert not [role for roles in passed.values() for role in roles if "*" in role]


def test_function_code_cannot_touch_network_interfaces(statements: list[Statement]) -> None:
    denied = [each for each in statements if each.effect == "Deny"]
    assert {each.role for each in denied} == {
        each.role for each in statements if each.effect == "Allow" and "ec2:CreateNetworkInterface" in each.actions
    }
    assert all(each.conditions == {"Null": {"lambda:SourceFunctionArn": "false"}} for each in denied)


def test_workers_write_nothing_but_their_notices(allowed: Callable[..., list[Statement]]) -> None:
    (writing,) = allowed("s3:PutObject", role="WorkerRole")
    (written,) = writing.resources
    assert written.endswith("/runs/demo-run/notices/*")


def test_job_manager_writes_only_below_its_run(allowed: Callable[..., list[Statement]]) -> None:
    (writing,) = allowed("s3:PutObject", role="JobManagerRole")
    (written,) = writing.resources
    assert written.endswith("/runs/demo-run/*")


def test_instances_read_only_their_own_files_and_run(allowed: Callable[..., list[Statement]]) -> None:
    for role in ("WorkerRole", "JobManagerRole"):
        read = [resource for each in allowed("s3:GetObject", role=role) for resource in each.resources]
        outside = [resource for resource in read if not resource.endswith("/runs/demo-run/*")]
        # two modules, a library, data, and an agent bundle per architecture; all by their full key
        assert len(outside) == 6
        assert not [resource for resource in outside if "*" in resource]


def test_metrics_go_only_to_the_agreed_namespace(allowed: Callable[..., list[Statement]]) -> None:
    statements = allowed("cloudwatch:PutMetricData")
    assert len(statements) == 2
    assert all(each.conditions == {"StringEquals": {"cloudwatch:namespace": "Performance"}} for each in statements)


def test_only_functions_read_the_databases_secret(allowed: Callable[..., list[Statement]]) -> None:
    found = allowed("secretsmanager:GetSecretValue")
    readers = [each for each in found if not each.resources[0].startswith("<InstancesSecret")]
    assert sorted("Migrator" in each.role or "Controller" in each.role for each in readers) == [True, True]
    assert not [resource for each in readers for resource in each.resources if "*" in resource]


def test_listing_is_bounded_by_the_run(allowed: Callable[..., list[Statement]]) -> None:
    listing = allowed("s3:ListBucket")
    assert len(listing) == 3
    assert all(each.conditions == {"StringLikeIfExists": {"s3:prefix": "runs/demo-run/*"}} for each in listing)


def test_deployment_calls_may_invoke_one_function_each(allowed: Callable[..., list[Statement]]) -> None:
    callers = {each.role: each.resources for each in allowed("lambda:InvokeFunction") if "Schedule" not in each.role}
    assert len(callers) == 2
    assert (
        sorted("Migrator" in resources[0] or "Rebalancer" in resources[0] for resources in callers.values())
        == [True] * 2
    )
    assert all(len(resources) == 1 for resources in callers.values())
