"""boto3 clients with one retry and time-out policy; endpoints come from ``AWS_ENDPOINT_URL`` as boto3 defines it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Literal, overload

import boto3
from botocore.config import Config

if TYPE_CHECKING:  # the stubs are a development dependency; the layer does not carry them
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_scheduler import EventBridgeSchedulerClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_ssm import SSMClient

# Adaptive: the client slows itself down once AWS throttles, which suits a controller that shares the account.
CONFIG = Config(retries={"mode": "adaptive", "max_attempts": 6}, connect_timeout=5, read_timeout=30)


@overload
def client(service: Literal["ec2"], region: str) -> EC2Client: ...
@overload
def client(service: Literal["cloudwatch"], region: str) -> CloudWatchClient: ...
@overload
def client(service: Literal["s3"], region: str) -> S3Client: ...
@overload
def client(service: Literal["scheduler"], region: str) -> EventBridgeSchedulerClient: ...
@overload
def client(service: Literal["secretsmanager"], region: str) -> SecretsManagerClient: ...
@overload
def client(service: Literal["sns"], region: str) -> SNSClient: ...
@overload
def client(service: Literal["ssm"], region: str) -> SSMClient: ...
@cache
def client(service: str, region: str) -> object:
    """A client for ``service``, kept for the life of the process: a warm Lambda reuses its connections."""
    return boto3.client(service, region_name=region, config=CONFIG)  # type: ignore[call-overload]  # the name is checked by the overloads
