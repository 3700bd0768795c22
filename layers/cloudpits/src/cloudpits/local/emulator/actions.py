"""EC2 actions that replace or add to the stock emulator's: instances, instance types, spot prices."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cloudpits.local.emulator import launching, stock, wire
from cloudpits.local.emulator.fleet import STATE_CODES, Fleet, Instance
from cloudpits.local.emulator.wire import Parameters, Refusal, Reply
from cloudpits.local.emulator.world import TypeFacts

PAGE = 1000
PRODUCT = "Linux/UNIX"


def iso(at: float) -> str:
    """An instant as EC2 writes it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def instant(value: str) -> float:
    """Seconds since the epoch of an instant as EC2 reads it."""
    return datetime.fromisoformat(value).timestamp()


def tags_of(instance_id: str) -> dict[str, str]:
    """Tags of an instance; needs the request's account scope."""
    return {tag["Key"]: tag["Value"] for tag in stock.tags.get(instance_id, [])}


def _described(instance: Instance) -> dict[str, Any]:
    reason = {"code": instance.end_code, "message": instance.end_message} if instance.end_code else None
    ended = (
        f"{instance.end_message} ({iso(instance.ended_at)[:19].replace('T', ' ')} GMT)" if instance.ended_at else None
    )
    return {
        "instanceId": instance.instance_id,
        "imageId": instance.image_id,
        "instanceState": {"code": STATE_CODES[instance.state], "name": instance.state},
        "privateIpAddress": instance.private_ip if instance.alive else None,
        "privateDnsName": f"ip-{instance.private_ip.replace('.', '-')}.ec2.internal",
        "reason": ended,
        "stateReason": reason,
        "instanceType": instance.instance_type,
        "launchTime": iso(instance.launched_at),
        "placement": {"availabilityZone": instance.zone, "tenancy": "default"},
        "subnetId": instance.subnet_id,
        "vpcId": instance.vpc_id,
        "architecture": instance.architecture,
        "instanceLifecycle": "spot" if instance.spot else None,
        "clientToken": instance.token,
        "groupSet": [{"groupId": group} for group in instance.groups],
        "iamInstanceProfile": {"arn": instance.profile} if instance.profile else None,
        "tagSet": [{"key": key, "value": value} for key, value in tags_of(instance.instance_id).items()],
    }


_FILTERED: dict[str, Callable[[Instance], str]] = {
    "instance-id": lambda instance: instance.instance_id,
    "instance-state-name": lambda instance: instance.state,
    "instance-type": lambda instance: instance.instance_type,
    "availability-zone": lambda instance: instance.zone,
    "instance-lifecycle": lambda instance: "spot" if instance.spot else "",
    "private-ip-address": lambda instance: instance.private_ip,
    "subnet-id": lambda instance: instance.subnet_id,
    "vpc-id": lambda instance: instance.vpc_id,
    "client-token": lambda instance: instance.token,
}


def _passes(instance: Instance, name: str, patterns: Iterable[str]) -> bool:
    if name.startswith("tag:"):
        value = tags_of(instance.instance_id).get(name.removeprefix("tag:"))
    elif name in _FILTERED:
        value = _FILTERED[name](instance)
    else:
        raise Refusal("InvalidParameterValue", f"The filter '{name}' is invalid")
    return value is not None and any(fnmatch.fnmatchcase(value, pattern) for pattern in patterns)


def _type_described(facts: TypeFacts) -> dict[str, Any]:
    threads = max(1, facts.vcpus // max(1, facts.cores))
    gpus = [{"count": facts.gpus, "manufacturer": "NVIDIA"}] if facts.gpus else None
    return {
        "instanceType": facts.name,
        "currentGeneration": True,
        "supportedUsageClasses": ["on-demand", "spot"],
        "bareMetal": facts.name.endswith(".metal"),
        "processorInfo": {
            "supportedArchitectures": [facts.architecture],
            "sustainedClockSpeedInGhz": facts.clock_ghz,
        },
        "vCpuInfo": {"defaultVCpus": facts.vcpus, "defaultCores": facts.cores, "defaultThreadsPerCore": threads},
        "memoryInfo": {"sizeInMiB": facts.memory_mib},
        "gpuInfo": {"gpus": gpus} if gpus else None,
    }


@dataclass(frozen=True, slots=True)
class Ec2Actions:
    """The actions, bound to one fleet. Each takes the request's parameters and returns a content for the reply."""

    fleet: Fleet

    def run_instances(self, parameters: Parameters) -> dict[str, Any]:
        spec = launching.read_request(parameters)
        if wire.text(parameters, "DryRun").lower() == "true":
            raise Refusal("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)
        instances = launching.launch(spec, self.fleet)
        return {
            "reservationId": instances[0].reservation_id if instances else "r-0",
            "ownerId": self.fleet.world.account,
            "instancesSet": [_described(instance) for instance in instances],
        }

    def describe_instances(self, parameters: Parameters) -> dict[str, Any]:
        wanted = self._known(wire.members(parameters, "InstanceId"))
        conditions = wire.filters(parameters)
        found = [
            instance
            for instance in (wanted or list(self.fleet.instances.values()))
            if all(_passes(instance, name, patterns) for name, patterns in conditions.items())
        ]
        shown, more = wire.page(parameters, found, PAGE)
        owner = self.fleet.world.account
        reservations = [
            {"reservationId": i.reservation_id, "ownerId": owner, "instancesSet": [_described(i)]} for i in shown
        ]
        return {"reservationSet": reservations, **more}

    def terminate_instances(self, parameters: Parameters) -> dict[str, Any]:
        changes = []
        for instance in self._known(wire.members(parameters, "InstanceId")):
            before = instance.state
            self.fleet.end(
                instance.instance_id,
                "Client.UserInitiatedShutdown",
                "Client.UserInitiatedShutdown: User initiated shutdown",
            )
            changes.append(
                {
                    "instanceId": instance.instance_id,
                    "previousState": {"code": STATE_CODES[before], "name": before},
                    "currentState": {"code": STATE_CODES[instance.state], "name": instance.state},
                }
            )
        return {"instancesSet": changes}

    def describe_instance_types(self, parameters: Parameters) -> dict[str, Any]:
        types = self.fleet.world.types
        names = wire.members(parameters, "InstanceType") or sorted(types)
        unknown = [name for name in names if name not in types]
        if unknown:
            raise Refusal("InvalidInstanceType", f"The following supplied instance types do not exist: {unknown}")
        patterns = wire.filters(parameters).get("instance-type", ["*"])
        kept = [n for n in names if any(fnmatch.fnmatchcase(n, pattern) for pattern in patterns)]
        architectures = wire.filters(parameters).get("processor-info.supported-architecture")
        kept = [n for n in kept if architectures is None or types[n].architecture in architectures]
        shown, more = wire.page(parameters, kept, 100)
        return {"instanceTypeSet": [_type_described(types[name]) for name in shown], **more}

    def describe_instance_type_offerings(self, parameters: Parameters) -> dict[str, Any]:
        patterns = wire.filters(parameters).get("instance-type", ["*"])
        by_zone = wire.text(parameters, "LocationType") == "availability-zone"
        kind = "availability-zone" if by_zone else "region"
        offered = sorted(
            {
                (name, zone if by_zone else self.fleet.world.region)
                for zone, name in self.fleet.world.prices
                if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
            }
        )
        places = wire.filters(parameters).get("location")
        offered = [(name, place) for name, place in offered if places is None or place in places]
        shown, more = wire.page(parameters, offered, PAGE)
        found = [{"instanceType": name, "locationType": kind, "location": place} for name, place in shown]
        return {"instanceTypeOfferingSet": found, **more}

    def describe_spot_price_history(self, parameters: Parameters) -> dict[str, Any]:
        shown, more = wire.page(parameters, self._price_rows(parameters), PAGE)
        return {"spotPriceHistorySet": list(shown), "nextToken": more.get("nextToken", "")}

    def _price_rows(self, parameters: Parameters) -> list[dict[str, Any]]:
        """Changes within the window, newest first, and for each pool the one valid when the window opens."""
        conditions = wire.filters(parameters)
        now = self.fleet.now()
        types = wire.members(parameters, "InstanceType") or conditions.get("instance-type") or ["*"]
        one_zone = wire.text(parameters, "AvailabilityZone")
        zones = [one_zone] if one_zone else conditions.get("availability-zone", ["*"])
        products = wire.members(parameters, "ProductDescription") or conditions.get("product-description", [PRODUCT])
        start, end = wire.text(parameters, "StartTime"), wire.text(parameters, "EndTime")
        since, until = instant(start) if start else now - 90 * 86400, min(now, instant(end) if end else now)
        if not any(product.startswith(PRODUCT) for product in products):
            return []
        rows = [
            (change.at, zone, name, change.usd_per_hour)
            for (zone, name), changes in self.fleet.world.prices.items()
            if any(fnmatch.fnmatchcase(name, t) for t in types) and any(fnmatch.fnmatchcase(zone, z) for z in zones)
            for change, following in zip(changes, [*changes[1:], None], strict=True)
            if change.at <= until and (following is None or following.at > since)
        ]
        return [
            {
                "instanceType": name,
                "productDescription": PRODUCT,
                "spotPrice": f"{price:.6f}",
                "timestamp": iso(at),
                "availabilityZone": zone,
            }
            for at, zone, name, price in sorted(rows, reverse=True)
        ]

    def _known(self, instance_ids: Iterable[str]) -> list[Instance]:
        known = []
        for instance_id in instance_ids:
            if instance_id not in self.fleet.instances:
                raise Refusal("InvalidInstanceID.NotFound", f"The instance ID '{instance_id}' does not exist")
            known.append(self.fleet.instances[instance_id])
        return known

    def table(self) -> dict[str, Callable[[Parameters], Reply]]:
        """Action name → handler, as the emulator's own table wants them."""
        actions = {
            "RunInstances": self.run_instances,
            "DescribeInstances": self.describe_instances,
            "TerminateInstances": self.terminate_instances,
            "DescribeInstanceTypes": self.describe_instance_types,
            "DescribeInstanceTypeOfferings": self.describe_instance_type_offerings,
            "DescribeSpotPriceHistory": self.describe_spot_price_history,
        }
        return {name: _answering(name, action) for name, action in actions.items()}


def _answering(name: str, action: Callable[[Parameters], dict[str, Any]]) -> Callable[[Parameters], Reply]:
    def answer(parameters: Parameters) -> Reply:
        try:
            return wire.reply(name, action(parameters))
        except Refusal as refusal:
            return wire.refuse(refusal)

    return answer
