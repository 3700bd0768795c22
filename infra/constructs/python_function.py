"""The one place that says how CloudPITS's Lambda functions are built, run and allowed to log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypedDict

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.bundling import LAMBDAS, PACKAGE, UNWANTED, AssetOptions, package_layer
from infra.settings import Settings

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
        options = package_layer(settings.lambda_architecture, settings.lambda_python)
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


@dataclass(frozen=True)
class FunctionSpec:
    """What a function is: its folder in ``lambdas/``, or an asset built from it, and how much it may use."""

    folder: str
    description: str
    timeout: cdk.Duration
    memory_mib: int = 512
    environment: Mapping[str, str] = field(default_factory=dict)
    asset: AssetOptions | None = None


class PythonFunction(Construct):
    """A function with its own log group (kept a month)."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        spec: FunctionSpec,
        *,
        settings: Settings,
        role: FunctionRole,
        layer: lambda_.ILayerVersion | None = None,
        placement: Placement | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.log = logs.LogGroup(
            self, "Log", retention=logs.RetentionDays.ONE_MONTH, removal_policy=cdk.RemovalPolicy.DESTROY
        )
        role.allow_log(self.log)
        source = str(LAMBDAS / spec.folder)
        asset = spec.asset
        self.function = lambda_.Function(
            self,
            "Function",
            runtime=runtime(settings),
            architecture=architecture(settings),
            handler="handler.handler",
            code=lambda_.Code.from_asset(source, **asset)
            if asset
            else lambda_.Code.from_asset(source, exclude=UNWANTED),
            description=spec.description,
            role=role,
            layers=[layer] if layer else [],
            timeout=spec.timeout,
            memory_size=spec.memory_mib,
            log_group=self.log,
            environment={"POWERTOOLS_SERVICE_NAME": spec.folder, **spec.environment},
            **_network(placement),
        )


class _Network(TypedDict, total=False):
    vpc: ec2.IVpc
    vpc_subnets: ec2.SubnetSelection
    security_groups: list[ec2.ISecurityGroup]
    ipv6_allowed_for_dual_stack: bool


def _network(placement: Placement | None) -> _Network:
    if placement is None:
        return {}
    return {
        "vpc": placement.vpc,
        "vpc_subnets": ec2.SubnetSelection(subnets=[*placement.subnets]),
        "security_groups": [placement.security_group],
        "ipv6_allowed_for_dual_stack": True,
    }
