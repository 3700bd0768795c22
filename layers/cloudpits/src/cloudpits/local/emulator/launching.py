"""RunInstances: what a request and its launch template ask for together, checked as AWS checks it."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cloudpits.local.emulator import stock, wire
from cloudpits.local.emulator.fleet import Fleet, Instance
from cloudpits.local.emulator.wire import Parameters, Refusal


@dataclass(frozen=True, slots=True)
class LaunchSpec:
    """A checked RunInstances request, template included."""

    instance_type: str
    zone: str
    subnet_id: str
    vpc_id: str
    image_id: str
    user_data: str
    minimum: int
    maximum: int
    spot: bool
    max_price: float | None
    token: str
    groups: tuple[str, ...]
    profile: str
    tags: dict[str, str]
    fingerprint: str


def _template(parameters: Parameters) -> Mapping[str, Any]:
    named = {
        "LaunchTemplateId": wire.text(parameters, "LaunchTemplate.LaunchTemplateId"),
        "LaunchTemplateName": wire.text(parameters, "LaunchTemplate.LaunchTemplateName"),
        "Version": wire.text(parameters, "LaunchTemplate.Version"),
    }
    data, _, error = stock.resolve_launch_template(named)
    if error is not None:
        raise Refusal("InvalidLaunchTemplateId.NotFoundException", "The specified launch template does not exist")
    return data or {}


def _tags(parameters: Parameters, template: Mapping[str, Any]) -> dict[str, str]:
    tags = {
        tag["Key"]: tag["Value"]
        for specification in template.get("TagSpecifications", [])
        if specification.get("ResourceType") == "instance"
        for tag in specification.get("Tags", [])
    }
    for prefix in wire.structures(parameters, "TagSpecification"):
        if wire.text(parameters, f"{prefix}.ResourceType") == "instance":
            for tag in wire.structures(parameters, f"{prefix}.Tag"):
                tags[wire.text(parameters, f"{tag}.Key")] = wire.text(parameters, f"{tag}.Value")
    return tags


def _place(parameters: Parameters, template: Mapping[str, Any]) -> tuple[str, str, str]:
    """(zone, subnet, VPC): the subnet decides, else the requested zone's default subnet."""
    interfaces = template.get("NetworkInterfaces") or [{}]
    subnet_id = (
        wire.text(parameters, "SubnetId")
        or wire.text(parameters, "NetworkInterface.1.SubnetId")
        or interfaces[0].get("SubnetId", "")
    )
    zone = wire.text(parameters, "Placement.AvailabilityZone") or template.get("Placement", {}).get("AvailabilityZone")
    if subnet_id:
        subnet = stock.subnets.get(subnet_id)
        if subnet is None:
            raise Refusal("InvalidSubnetID.NotFound", f"The subnet ID '{subnet_id}' does not exist")
        if zone and zone != subnet["AvailabilityZone"]:
            raise Refusal("InvalidParameterValue", f"Subnet {subnet_id} is not in availability zone {zone}")
        return subnet["AvailabilityZone"], subnet_id, subnet["VpcId"]
    for subnet in stock.subnets.values():
        if subnet.get("DefaultForAz") and zone in (None, "", subnet["AvailabilityZone"]):
            return subnet["AvailabilityZone"], subnet["SubnetId"], subnet["VpcId"]
    raise Refusal("MissingInput", f"No default subnet for availability zone: '{zone}'")


def _market(parameters: Parameters, template: Mapping[str, Any]) -> tuple[bool, float | None]:
    options = template.get("InstanceMarketOptions", {})
    market = wire.text(parameters, "InstanceMarketOptions.MarketType") or options.get("MarketType", "")
    price = wire.text(parameters, "InstanceMarketOptions.SpotOptions.MaxPrice") or options.get("SpotOptions", {}).get(
        "MaxPrice", ""
    )
    return market == "spot", float(price) if price else None


def _profile(parameters: Parameters, template: Mapping[str, Any]) -> str:
    given = template.get("IamInstanceProfile", {})
    return (
        wire.text(parameters, "IamInstanceProfile.Arn")
        or wire.text(parameters, "IamInstanceProfile.Name")
        or str(given.get("Arn") or given.get("Name") or "")
    )


def read_request(parameters: Parameters) -> LaunchSpec:
    """Merge request and template; the request wins, as on AWS."""
    template = _template(parameters)
    zone, subnet_id, vpc_id = _place(parameters, template)
    spot, max_price = _market(parameters, template)
    request = {name: value for name, value in parameters.items() if name != "ClientToken"}
    return LaunchSpec(
        instance_type=wire.text(parameters, "InstanceType") or template.get("InstanceType", ""),
        zone=zone,
        subnet_id=subnet_id,
        vpc_id=vpc_id,
        image_id=wire.text(parameters, "ImageId") or template.get("ImageId", ""),
        user_data=wire.text(parameters, "UserData") or template.get("UserData", ""),
        minimum=int(wire.text(parameters, "MinCount", "1")),
        maximum=int(wire.text(parameters, "MaxCount", "1")),
        spot=spot,
        max_price=max_price,
        token=wire.text(parameters, "ClientToken"),
        groups=tuple(wire.members(parameters, "SecurityGroupId") or template.get("SecurityGroupIds", [])),
        profile=_profile(parameters, template),
        tags=_tags(parameters, template),
        fingerprint=hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest(),
    )


def check(spec: LaunchSpec, fleet: Fleet) -> None:
    """Refuse what AWS would refuse, with AWS's codes."""
    world = fleet.world
    pool = (spec.zone, spec.instance_type)
    if spec.instance_type not in world.types:
        raise Refusal("InvalidParameterValue", f"Invalid value '{spec.instance_type}' for InstanceType.")
    if pool not in world.prices:
        raise Refusal("Unsupported", f"{spec.instance_type} is not supported in {spec.zone}.")
    price = world.price(pool, fleet.now())
    if spec.spot and spec.max_price is not None and price is not None and spec.max_price < price:
        message = f"Your Spot request price of {spec.max_price} is lower than the minimum required {price}."
        raise Refusal("SpotMaxPriceTooLow", message)
    wanted = fleet.vcpus_in_use() + spec.maximum * world.types[spec.instance_type].vcpus
    if world.vcpu_quota is not None and wanted > world.vcpu_quota:
        code = "MaxSpotInstanceCountExceeded" if spec.spot else "VcpuLimitExceeded"
        raise Refusal(code, f"You have requested more vCPU capacity than your limit of {world.vcpu_quota} allows.")
    if fleet.refuses(*pool) or (spec.spot and fleet.room(*pool) < spec.minimum):
        raise Refusal(
            "InsufficientInstanceCapacity",
            f"We currently do not have sufficient {spec.instance_type} capacity in {spec.zone}.",
            500,
        )
    if not spec.image_id:
        raise Refusal("MissingParameter", "The request must contain the parameter ImageId")


def launch(spec: LaunchSpec, fleet: Fleet) -> list[Instance]:
    """Start the instances, or return those that the same client token started before."""
    with fleet.lock:
        known = fleet.launches.get(spec.token) if spec.token else None
        if known is not None:
            if known[0] != spec.fingerprint:
                raise Refusal("IdempotentParameterMismatch", "The client token was used with other parameters.")
            return [fleet.instances[instance_id] for instance_id in known[1] if instance_id in fleet.instances]
        check(spec, fleet)
        count = min(spec.maximum, fleet.room(spec.zone, spec.instance_type)) if spec.spot else spec.maximum
        instances = [_instance(spec, fleet) for _ in range(count)]
        if spec.token:
            fleet.launches[spec.token] = (spec.fingerprint, [instance.instance_id for instance in instances])
    for instance in instances:
        stock.tags[instance.instance_id] = [{"Key": k, "Value": v} for k, v in spec.tags.items()]
        fleet.add(instance)
    return instances


def _instance(spec: LaunchSpec, fleet: Fleet) -> Instance:
    return Instance(
        instance_id=f"i-{uuid.uuid4().hex[:17]}",
        reservation_id=f"r-{uuid.uuid4().hex[:17]}",
        instance_type=spec.instance_type,
        architecture=fleet.world.types[spec.instance_type].architecture,
        zone=spec.zone,
        subnet_id=spec.subnet_id,
        vpc_id=spec.vpc_id,
        private_ip=fleet.next_address(),
        image_id=spec.image_id,
        user_data=spec.user_data,
        launched_at=fleet.now(),
        spot=spec.spot,
        max_price=spec.max_price,
        token=spec.token,
        groups=spec.groups,
        profile=spec.profile,
    )
