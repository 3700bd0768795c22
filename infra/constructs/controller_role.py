"""What the controller may do: start instances from its own templates, end those with its own tag, and little else."""

from __future__ import annotations

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.constructs.artefacts import list_objects
from infra.constructs.instances import Instances, template_id
from infra.constructs.python_function import FunctionRole
from infra.settings import Target
from infra.shared_stack import Shared

EXPERIMENT_TAG = "cloudpits:experiment"

_READ_ONLY = [  # these know no resource-level permissions
    "ec2:DescribeInstances",
    "ec2:DescribeSpotPriceHistory",
    "cloudwatch:GetMetricData",
]
_SPOT = "spot.amazonaws.com"
_SPOT_ROLE = "AWSServiceRoleForEC2Spot"
_CREATED_BY_A_LAUNCH = ("instance", "volume", "network-interface", "spot-instances-request")


@dataclass(frozen=True)
class Scope:
    """What the controller's permissions are bounded by."""

    target: Target
    shared: Shared
    instances: Instances
    schedule_arn: str
    scheduler_role_arn: str
    topic_arn: str


class ControllerRole(FunctionRole):
    """The role of the rebalancer and of the spot-event function: both run cycles."""

    def __init__(self, scope: Construct, construct_id: str, *, bounds: Scope) -> None:
        super().__init__(scope, construct_id, description=f"Controls the instances of {bounds.target.experiment.name}")
        self._bounds = bounds
        self.allow_placement()
        for statement in (*self._observing(), *self._launching(), *self._ending(), *self._recording()):
            self.add_to_policy(statement)

    def _ec2_arn(self, kind: str, name: str = "*", account: str | None = None) -> str:
        return cdk.Stack.of(self).format_arn(service="ec2", resource=kind, resource_name=name, account=account)

    def _created(self) -> list[str]:
        return [self._ec2_arn(kind) for kind in _CREATED_BY_A_LAUNCH]

    def _observing(self) -> list[iam.PolicyStatement]:
        region = self._bounds.target.experiment.region
        return [
            iam.PolicyStatement(
                actions=_READ_ONLY,
                resources=["*"],
                conditions={"StringEquals": {"aws:RequestedRegion": region}},
            )
        ]

    def _launching(self) -> list[iam.PolicyStatement]:
        bounds = self._bounds
        name = bounds.target.experiment.name
        templates = [self._ec2_arn("launch-template", template_id(each)) for each in bounds.instances.templates]
        given = [
            *(self._ec2_arn("security-group", group.security_group_id) for group in bounds.instances.groups),
            self._ec2_arn("image", account=""),
        ]
        chosen = [self._ec2_arn("subnet", subnet.subnet_id) for subnet in bounds.shared.subnets]
        from_template = {"ArnEquals": {"ec2:LaunchTemplate": templates}}
        return [
            iam.PolicyStatement(actions=["ec2:RunInstances"], resources=templates),
            iam.PolicyStatement(  # what the template fixes may not be replaced
                actions=["ec2:RunInstances"],
                resources=given,
                conditions=from_template | {"Bool": {"ec2:IsLaunchTemplateResource": "true"}},
            ),
            iam.PolicyStatement(  # what the controller chooses with each launch, and what the launch creates
                actions=["ec2:RunInstances"],
                resources=[*chosen, *self._created()],
                conditions=from_template,
            ),
            iam.PolicyStatement(
                actions=["ec2:CreateTags"],
                resources=self._created(),
                conditions={
                    "StringEquals": {"ec2:CreateAction": "RunInstances", f"aws:RequestTag/{EXPERIMENT_TAG}": name}
                },
            ),
            iam.PolicyStatement(
                actions=["iam:PassRole"],
                resources=[role.role_arn for role in bounds.instances.roles],
                conditions={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
            ),
            iam.PolicyStatement(  # EC2 makes this role with an account's very first spot instance
                actions=["iam:CreateServiceLinkedRole"],
                resources=[
                    cdk.Stack.of(self).format_arn(
                        service="iam",
                        region="",
                        resource="role",
                        resource_name=f"aws-service-role/{_SPOT}/{_SPOT_ROLE}",
                    )
                ],
                conditions={"StringEquals": {"iam:AWSServiceName": _SPOT}},
            ),
        ]

    def _ending(self) -> list[iam.PolicyStatement]:
        bounds = self._bounds
        name = bounds.target.experiment.name
        return [
            iam.PolicyStatement(
                actions=["ec2:TerminateInstances"],
                resources=[self._ec2_arn("instance")],
                conditions={"StringEquals": {f"aws:ResourceTag/{EXPERIMENT_TAG}": name}},
            ),
            iam.PolicyStatement(
                actions=["scheduler:GetSchedule", "scheduler:UpdateSchedule"], resources=[bounds.schedule_arn]
            ),
            iam.PolicyStatement(  # a schedule's update names its role anew
                actions=["iam:PassRole"],
                resources=[bounds.scheduler_role_arn],
                conditions={"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}},
            ),
        ]

    def _recording(self) -> list[iam.PolicyStatement]:
        bounds = self._bounds
        bucket, prefix = bounds.shared.bucket, bounds.target.run_prefix
        return [
            iam.PolicyStatement(
                actions=["s3:GetObject", "s3:PutObject"], resources=[bucket.arn_for_objects(f"{prefix}*")]
            ),
            list_objects(bucket, prefix),
            iam.PolicyStatement(
                actions=["secretsmanager:GetSecretValue"], resources=[bounds.shared.database_secret.secret_arn]
            ),
            iam.PolicyStatement(actions=["sns:Publish"], resources=[bounds.topic_arn]),
        ]
