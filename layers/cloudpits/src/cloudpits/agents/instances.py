"""The run's workers as EC2 shows them to the job-manager host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from cloudpits.adapters.aws.errors import cloud_errors
from cloudpits.adapters.aws.fleet import TAG_RUN, TAG_TYPE
from cloudpits.domain.ports import Role

if TYPE_CHECKING:  # the stubs are a development dependency
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import FilterTypeDef

LISTENING_STATES = ("pending", "running")  # EC2 may still say pending when the agent is up already


class Workers(Protocol):
    """Where workers are; may raise CloudError."""

    def addresses(self) -> dict[str, str]:
        """Those whose task manager may be listening: instance id → private IPv4 address."""
        ...


class EC2Workers:
    """Workers found by their tags, of any number."""

    def __init__(self, ec2: EC2Client, run: str) -> None:
        self._ec2 = ec2
        self._filters: list[FilterTypeDef] = [
            {"Name": f"tag:{TAG_RUN}", "Values": [run]},
            {"Name": f"tag:{TAG_TYPE}", "Values": [Role.WORKER_SPOT.value, Role.WORKER_ON_DEMAND.value]},
            {"Name": "instance-state-name", "Values": list(LISTENING_STATES)},
        ]

    def addresses(self) -> dict[str, str]:
        with cloud_errors("looking for workers"):
            pages = self._ec2.get_paginator("describe_instances").paginate(Filters=self._filters)
            return {
                instance["InstanceId"]: instance["PrivateIpAddress"]
                for page in pages
                for reservation in page["Reservations"]
                for instance in reservation["Instances"]
                if instance.get("PrivateIpAddress")
            }
