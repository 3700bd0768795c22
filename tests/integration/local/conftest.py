"""An emulated AWS of two instance types, in a market of synthetic prices that runs 60 times as fast as time."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from cloudpits.adapters.aws.clock import ScaledClock
from cloudpits.config.agent import AgentDocument, embed
from cloudpits.config.experiment import Program
from cloudpits.local.clock import clock_environment, starting_at
from cloudpits.local.emulated_aws import ACCOUNT, EmulatedAws, credentials
from cloudpits.local.loopback import loopback_network
from cloudpits.local.warden import MARK, sweep

REGION = "us-east-1"
NOON = 1_614_772_800.0  # 2021-03-03T12:00Z
HOUR = 3600.0
SCALE = 60.0
RISE = NOON + 24 * 30 * HOUR  # twelve hours of real time: no test is so slow that prices rise under its hands
# (at, zone, type, USD/hour): c5.large in zone a rises above 0.05 in the end
PRICES = [
    [NOON - HOUR, "us-east-1a", "c5.large", 0.030],
    [NOON - HOUR / 2, "us-east-1a", "c5.large", 0.035],
    [RISE, "us-east-1a", "c5.large", 0.060],
    [NOON - HOUR, "us-east-1b", "c5.large", 0.034],
    [NOON - HOUR, "us-east-1a", "m5.large", 0.040],
]


def instance_type(name: str) -> dict[str, Any]:
    return {
        "name": name, "vcpus": 2, "cores": 1, "architecture": "x86_64", "clock_ghz": 3.4, "memory_mib": 4096,
    }  # fmt: skip


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of a module in one process, so that they share an emulated cloud."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


@dataclass
class Emulated:
    """An emulator, the clock it follows, and the mark of its processes."""

    aws: EmulatedAws
    clock: ScaledClock
    mark: str


@contextmanager
def emulated(folder: Path, **changes: Any) -> Iterator[Emulated]:
    mark = secrets.token_hex(8)
    with ExitStack() as exits:
        world = {
            "region": REGION,
            "account": ACCOUNT,
            "network": exits.enter_context(loopback_network()),
            "types": [instance_type("c5.large"), instance_type("m5.large")],
            "prices": PRICES,
        } | changes
        clock = starting_at(NOON, SCALE)
        environment = {**os.environ, **credentials(REGION), **clock_environment(clock), MARK: mark}
        aws = EmulatedAws(folder, world, environment)
        exits.callback(sweep, mark)
        exits.callback(aws.stop)
        aws.start()
        yield Emulated(aws, clock, mark)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulated]:
    """One emulated cloud for all tests of a module; each has a pool of its own."""
    with emulated(tmp_path_factory.mktemp("aws")) as cloud:
        yield cloud


@pytest.fixture
def aws(cloud: Emulated) -> EmulatedAws:
    return cloud.aws


@pytest.fixture
def clock(cloud: Emulated) -> ScaledClock:
    return cloud.clock


@pytest.fixture
def client(aws: EmulatedAws) -> Callable[[str], Any]:
    """boto3 clients of the emulated account."""
    return lambda service: connect(aws, service)


def connect(aws: EmulatedAws, service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=aws.endpoint,
        region_name=REGION,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key="emulated",  # noqa: S106 -- the emulator asks for none
    )


@pytest.fixture
def document() -> AgentDocument:
    """What a worker's user data carries."""
    return AgentDocument(
        role="worker",
        experiment="try",
        run="try-1",
        region=REGION,
        bucket="artefacts",
        program=Program(module="libpi.so"),
        modules={"x86_64": "s3://artefacts/libpi.so"},
    )


class Pool:
    """Launches from one template, as the controller does."""

    def __init__(self, aws: EmulatedAws, document: AgentDocument) -> None:
        self.aws = aws
        self.client: Callable[[str], Any] = lambda service: connect(aws, service)
        self.ec2 = self.client("ec2")
        self.run = f"run-{secrets.token_hex(4)}"
        user_data = f"#!/bin/sh\n{embed(document)}\nexec cloudpits-agent\n"
        self.template = self.ec2.create_launch_template(
            LaunchTemplateName=f"worker-{secrets.token_hex(4)}",
            LaunchTemplateData={
                "ImageId": "ami-1",
                "UserData": base64.b64encode(user_data.encode()).decode(),
                "TagSpecifications": [
                    {"ResourceType": "instance", "Tags": [{"Key": "cloudpits:run", "Value": self.run}]}
                ],
            },
        )["LaunchTemplate"]["LaunchTemplateId"]

    def subnet(self, zone: str) -> str:
        subnets = self.ec2.describe_subnets()["Subnets"]
        return next(subnet["SubnetId"] for subnet in subnets if subnet["AvailabilityZone"] == zone)

    def launch(self, name: str = "c5.large", zone: str = "us-east-1a", count: int = 1, **more: Any) -> list[Any]:
        answer = self.ec2.run_instances(
            LaunchTemplate={"LaunchTemplateId": self.template},
            InstanceType=name,
            **({"MinCount": count, "MaxCount": count, "SubnetId": self.subnet(zone)} | more),
        )
        return list(answer["Instances"])

    def spot(self, max_price: float = 0.05, **more: Any) -> list[Any]:
        options = {"MarketType": "spot", "SpotOptions": {"MaxPrice": str(max_price), "SpotInstanceType": "one-time"}}
        return self.launch(InstanceMarketOptions=options, **more)

    def describe(self, instance_id: str) -> Any:
        return self.ec2.describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]


@pytest.fixture
def pool(aws: EmulatedAws, document: AgentDocument) -> Pool:
    return Pool(aws, document)


@pytest.fixture
def other_cloud(tmp_path: Path, document: AgentDocument) -> Callable[..., AbstractContextManager[Pool]]:
    """A pool in a cloud of its own whose world differs in the given facts."""

    @contextmanager
    def start(**changes: Any) -> Iterator[Pool]:
        with emulated(tmp_path / "other", **changes) as cloud:
            yield Pool(cloud.aws, document)

    return start


class Market:
    """The instants that the prices turn on; ``scale`` market seconds pass in a second."""

    noon = NOON
    hour = HOUR
    scale = SCALE


@pytest.fixture
def market() -> type[Market]:
    return Market
