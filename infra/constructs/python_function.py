"""The one place that says how CloudPITS's Lambda functions are built, run and allowed to log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.bundling import PACKAGE, bundle_options
from infra.settings import REPOSITORY, Settings

# EC2 has no resource-level permissions for these; the condition keeps the code itself from using them.
_NETWORK_INTERFACE_ACTIONS = [
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
]


def runtime(settings: Settings) -> lambda_.Runtime:
    """The Python runtime that the functions and their layer are made for."""
    return lambda_.Runtime(f"python{settings.lambda_python}", lambda_.RuntimeFamily.PYTHON)


def architecture(settings: Settings) -> lambda_.Architecture:
    """The processor that the functions and their layer are made for."""
    return lambda_.Architecture.ARM_64 if settings.lambda_architecture == "arm64" else lambda_.Architecture.X86_64


class PackageLayer(lambda_.LayerVersion):
    """The `cloudpits` package with its base dependencies, built for the functions' architecture."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        options = bundle_options(settings.lambda_architecture, settings.lambda_python, "python")
        super().__init__(
            scope,
            construct_id,
            code=lambda_.Code.from_asset(str(PACKAGE), **options),
            compatible_runtimes=[runtime(settings)],
            compatible_architectures=[architecture(settings)],
            description="cloudpits and its dependencies",
        )


@dataclass(frozen=True)
class Placement:
    """Where in the network a function runs."""

    vpc: ec2.IVpc
    subnets: list[ec2.Subnet]
    security_group: ec2.ISecurityGroup


class FunctionRole(iam.Role):
    """What every function may do: write its own log and, in a network, have interfaces attached by Lambda."""

    def __init__(self, scope: Construct, construct_id: str, *, description: str) -> None:
        super().__init__(
            scope, construct_id, assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"), description=description
        )

    def allow_log(self, group: logs.ILogGroup) -> None:
        """Let functions of this role write to ``group``."""
        self.add_to_policy(
            iam.PolicyStatement(actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[group.log_group_arn])
        )

    def allow_placement(self) -> None:
        """Let Lambda (and not the code it runs) attach network interfaces for functions of this role."""
        self.add_to_policy(iam.PolicyStatement(actions=_NETWORK_INTERFACE_ACTIONS, resources=["*"]))
        self.add_to_policy(
            iam.PolicyStatement(
                effect=iam.Effect.DENY,
                actions=_NETWORK_INTERFACE_ACTIONS,
                resources=["*"],
                conditions={"Null": {"lambda:SourceFunctionArn": "false"}},
            )
        )


class PythonFunction(Construct):
    """A function of ``lambdas/<folder>`` with its own log group (kept a month)."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        folder: str,
        role: FunctionRole,
        description: str,
        timeout: cdk.Duration,
        layer: lambda_.ILayerVersion | None = None,
        placement: Placement | None = None,
        environment: Mapping[str, str] | None = None,
        memory_mib: int = 512,
    ) -> None:
        super().__init__(scope, construct_id)
        group = logs.LogGroup(
            self, "Log", retention=logs.RetentionDays.ONE_MONTH, removal_policy=cdk.RemovalPolicy.DESTROY
        )
        role.allow_log(group)
        self.function = lambda_.Function(
            self,
            "Function",
            runtime=runtime(settings),
            architecture=architecture(settings),
            handler="handler.handler",
            code=lambda_.Code.from_asset(
                str(REPOSITORY / "lambdas" / folder), exclude=["events", "__pycache__", "*.pyc"]
            ),
            description=description,
            role=role,
            layers=[layer] if layer else [],
            timeout=timeout,
            memory_size=memory_mib,
            log_group=group,
            environment={"POWERTOOLS_SERVICE_NAME": folder, **(environment or {})},
            **_network(placement),
        )


def _network(placement: Placement | None) -> dict[str, object]:
    if placement is None:
        return {}
    return {
        "vpc": placement.vpc,
        "vpc_subnets": ec2.SubnetSelection(subnets=[*placement.subnets]),
        "security_groups": [placement.security_group],
        "ipv6_allowed_for_dual_stack": True,
    }
