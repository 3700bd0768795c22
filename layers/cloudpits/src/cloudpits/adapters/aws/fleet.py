"""Instances of one run on EC2: found by their tags, launched from templates, idempotent by client token."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from cloudpits.adapters.aws.errors import cloud_errors
from cloudpits.domain.errors import InvalidInputError
from cloudpits.domain.model import Market, Pool
from cloudpits.domain.ports import Instance, LaunchRequest, Role

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import (
        InstanceMarketOptionsRequestTypeDef,
        InstanceTypeDef,
        RunInstancesRequestTypeDef,
        SpotMarketOptionsTypeDef,
        TagTypeDef,
    )

TAG_TYPE = "Type"
TAG_EXPERIMENT = "cloudpits:experiment"
TAG_RUN = "cloudpits:run"
TAG_REPLACES = "cloudpits:replaces"
TAG_CEILING = "cloudpits:ceiling"  # DescribeInstances does not tell the maximum price of a spot request
_BATCH = 200
_INSTANT = re.compile(r"\((\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (?:GMT|UTC)\)")


@dataclass(frozen=True, slots=True)
class Site:
    """Where a run launches: templates per architecture, the job manager's template, one subnet per zone."""

    experiment: str
    run: str
    worker_templates: Mapping[str, str]
    job_manager_template: str
    subnets: Mapping[str, str]


class Ec2Fleet:
    """The instances tagged with a run. ``architecture_of`` tells the architecture of an instance type."""

    def __init__(self, ec2: EC2Client, site: Site, architecture_of: Callable[[str], str]) -> None:
        self._ec2 = ec2
        self._site = site
        self._architecture_of = architecture_of

    def describe(self) -> Sequence[Instance]:
        with cloud_errors("describing the instances of the run"):
            pages = self._ec2.get_paginator("describe_instances").paginate(
                Filters=[{"Name": f"tag:{TAG_RUN}", "Values": [self._site.run]}]
            )
            found = [item for page in pages for group in page["Reservations"] for item in group.get("Instances", ())]
        return tuple(instance for item in found if (instance := _instance(item)) is not None)

    def launch(self, request: LaunchRequest) -> Sequence[str]:
        wanted = self._request(request)
        with cloud_errors(f"launching {request.count} × {request.pool}"):
            answer = self._ec2.run_instances(**wanted)
        return tuple(item["InstanceId"] for item in answer["Instances"])

    def _request(self, request: LaunchRequest) -> RunInstancesRequestTypeDef:
        tags = self._tags(request)
        wanted: RunInstancesRequestTypeDef = {
            "LaunchTemplate": {"LaunchTemplateId": self._template(request), "Version": "$Latest"},
            "InstanceType": request.pool.instance_type,  # type: ignore[typeddict-item]  # the stub lists today's types
            "SubnetId": self._subnet(request.pool.availability_zone),
            "MinCount": 1,  # part of what is wished for is better than nothing
            "MaxCount": request.count,
            "ClientToken": request.token,
            "InstanceInitiatedShutdownBehavior": "terminate",
            "TagSpecifications": [
                {"ResourceType": "instance", "Tags": tags},
                {"ResourceType": "volume", "Tags": tags},
            ],
        }
        if request.pool.market is Market.SPOT:
            wanted["InstanceMarketOptions"] = _spot_options(request)
        return wanted

    def terminate(self, instance_ids: Iterable[str]) -> None:
        ids = list(instance_ids)
        for start in range(0, len(ids), _BATCH):
            self._terminate(ids[start : start + _BATCH])

    def _terminate(self, ids: list[str]) -> None:
        with cloud_errors(f"terminating {', '.join(ids)}"):
            try:
                self._ec2.terminate_instances(InstanceIds=ids)
            except ClientError as error:
                if not error.response["Error"]["Code"].startswith("InvalidInstanceID"):
                    raise
                self._terminate_known(ids)

    def _terminate_known(self, ids: list[str]) -> None:
        # One unknown id makes EC2 refuse the whole request: the others must end all the same.
        if len(ids) > 1:
            for instance_id in ids:
                self._terminate([instance_id])

    def _template(self, request: LaunchRequest) -> str:
        if request.role is Role.JOB_MANAGER:
            return self._site.job_manager_template
        architecture = self._architecture_of(request.pool.instance_type)
        template = self._site.worker_templates.get(architecture)
        if template is None:
            raise InvalidInputError(
                f"environment: CLOUDPITS_WORKER_TEMPLATE: no launch template for {architecture}, "
                f"which {request.pool.instance_type} needs; deploy the experiment again"
            )
        return template

    def _subnet(self, zone: str) -> str:
        subnet = self._site.subnets.get(zone)
        if subnet is None:
            raise InvalidInputError(
                f"environment: CLOUDPITS_SUBNETS: no subnet in {zone}; leave the zone out of workers.availability_zones"
            )
        return subnet

    def _tags(self, request: LaunchRequest) -> list[TagTypeDef]:
        name = "job-manager" if request.role is Role.JOB_MANAGER else "worker"
        tags = {
            TAG_TYPE: request.role.value,
            "Name": f"{self._site.experiment}-{name}",
            TAG_EXPERIMENT: self._site.experiment,
            TAG_RUN: self._site.run,
        }
        if request.replaces is not None:
            tags[TAG_REPLACES] = request.replaces
        if request.ceiling_usd_per_hour is not None:
            tags[TAG_CEILING] = _price(request.ceiling_usd_per_hour)
        return [{"Key": key, "Value": value} for key, value in tags.items()]


def _price(usd_per_hour: float) -> str:
    return f"{usd_per_hour:.6f}"


def _spot_options(request: LaunchRequest) -> InstanceMarketOptionsRequestTypeDef:
    options: SpotMarketOptionsTypeDef = {"SpotInstanceType": "one-time", "InstanceInterruptionBehavior": "terminate"}
    if request.ceiling_usd_per_hour is not None:
        options["MaxPrice"] = _price(request.ceiling_usd_per_hour)
    return {"MarketType": "spot", "SpotOptions": options}


def _instance(item: InstanceTypeDef) -> Instance | None:
    """The port's view of a description; None for an instance whose role is none of ours."""
    tags = {tag["Key"]: tag["Value"] for tag in item.get("Tags", ())}
    if tags.get(TAG_TYPE) not in set(Role):
        return None
    role = Role(tags[TAG_TYPE])
    state = item["State"]["Name"]
    over = state in ("shutting-down", "terminated")
    market = Market.SPOT if role is Role.WORKER_SPOT else Market.ON_DEMAND
    return Instance(
        instance_id=item["InstanceId"],
        role=role,
        pool=Pool(item["InstanceType"], item["Placement"]["AvailabilityZone"], market),
        state=state,
        launched_at=item["LaunchTime"].timestamp(),
        ended_at=_ended_at(item.get("StateTransitionReason", "")) if over else None,
        end_reason=item.get("StateReason", {}).get("Code", "") if over else "",
        replaces=tags.get(TAG_REPLACES),
        ceiling_usd_per_hour=float(tags[TAG_CEILING]) if TAG_CEILING in tags else None,
        private_ip=item.get("PrivateIpAddress"),
    )


def _ended_at(transition: str) -> float | None:
    """Instant named in a transition such as ``User initiated (2021-03-10 10:05:00 GMT)``; None when it names none."""
    found = _INSTANT.search(transition)
    if found is None:
        return None
    return datetime.strptime(found[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
