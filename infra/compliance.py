"""cdk-nag's AWS Solutions checks, and why the findings that are left are meant to be."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from cdk_nag import AwsSolutionsChecks
from constructs import IConstruct

_WILDCARD = "AwsSolutions-IAM5[Resource::{}]"


def check(app: cdk.App) -> None:
    """Let the checks run with every synthesis; an unacknowledged finding fails it."""
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))


def _acknowledge(construct: IConstruct, reasons: dict[str, str]) -> None:
    cdk.Validations.of(construct).acknowledge(
        *(cdk.Acknowledgment(id=rule, reason=reason) for rule, reason in reasons.items())
    )


def acknowledge_functions(stack: cdk.Stack) -> None:
    """Findings about every function of ``stack``."""
    reasons = {
        "AwsSolutions-L1": "Python 3.13 is supported until 2029; a newer one is a setting (lambda_python)",
        _WILDCARD.format("*"): "EC2 describe calls, GetMetricData, PutMetricData and Lambda's network interfaces know "
        "no resource-level permissions; each statement names its actions and carries a condition where AWS has one",
    }
    _acknowledge(stack, reasons)


def acknowledge_shared(stack: cdk.Stack) -> None:
    """Findings in the shared stack that are decisions."""
    acknowledge_functions(stack)
    reasons = {
        "AwsSolutions-VPC7": "Flow logs cost more than the idle network, which accepts no connection from outside",
        "AwsSolutions-SMG4": "Only functions inside the network can reach the database; rotation is left to the owner",
        "AwsSolutions-RDS3": "Losing the database for minutes delays a cycle; a standby would double the idle cost",
        "AwsSolutions-RDS11": "The port is open to one security group only; an unusual port would hide nothing",
        "AwsSolutions-S1": "One account writes and reads this bucket; access logs would need a second, growing one",
    }
    _acknowledge(stack, reasons)


def acknowledge_experiment(
    stack: cdk.Stack, *, bucket: s3.IBucket, run_prefix: str, rebalancer: cdk.CfnElement
) -> None:
    """Findings in an experiment's stack that are decisions.

    ``bucket`` belongs to the shared stack: cdk-nag shows its ARN by the name of its export.
    """
    acknowledge_functions(stack)
    bucket_arn = stack.resolve(cdk.Stack.of(bucket).export_value(bucket.bucket_arn))["Fn::ImportValue"]
    created = ("instance", "network-interface", "spot-instances-request", "volume")
    wildcards = {
        f"{bucket_arn}/{run_prefix}*": "The run's own objects: their names are made during the run",
        f"{bucket_arn}/{run_prefix}notices/*": "A worker's own notice: its name holds the instance id",
        f"<{stack.get_logical_id(rebalancer)}.Arn>:*": "CDK's schedule target allows the function and its versions",
        f"arn:aws:ec2:{stack.region}::image/*": "The launch template, which the condition demands, fixes the image",
    } | {
        f"arn:aws:ec2:{stack.region}:<AWS::AccountId>:{kind}/*": "Ids of what a launch creates are not known before; "
        "bounded by launch template or by the experiment's tag"
        for kind in created
    }
    reasons = {_WILDCARD.format(resource): reason for resource, reason in wildcards.items()} | {
        "AwsSolutions-SQS3": "This queue is where failed events of the stack end",
        "AwsSolutions-SMG4": "The job's secret lives as long as the job: rotation would part running peers",
    }
    _acknowledge(stack, reasons)
