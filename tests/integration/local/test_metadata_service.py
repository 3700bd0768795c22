"""The metadata service as an instance's agent sees it."""

import http.client
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from cloudpits.local.metadata import InstanceFacts, MetadataService


@pytest.fixture
def facts(addresses: Iterator[str]) -> InstanceFacts:
    return InstanceFacts(
        instance_id="i-1",
        instance_type="c5.large",
        availability_zone="us-east-1b",
        private_ip=next(addresses),
        spot=True,
        user_data="#!/bin/sh",
        tags={"Type": "worker-spot"},
    )


@pytest.fixture
def service(facts: InstanceFacts) -> Any:
    service = MetadataService(facts)
    yield service
    service.close()


def ask(service: Any, path: Any, method: Any = "GET", **headers: Any) -> Any:
    connection = http.client.HTTPConnection(service.endpoint.removeprefix("http://"), timeout=60)
    connection.request(method, f"/latest/{path}", headers=headers)
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response.status, body


@pytest.fixture
def get(service: Any) -> Any:
    _, token = ask(service, "api/token", "PUT", **{"X-aws-ec2-metadata-token-ttl-seconds": "60"})
    return lambda path: ask(service, path, **{"X-aws-ec2-metadata-token": token})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("meta-data/instance-id", "i-1"),
        ("meta-data/instance-type", "c5.large"),
        ("meta-data/placement/availability-zone", "us-east-1b"),
        ("meta-data/placement/region", "us-east-1"),
        ("meta-data/instance-life-cycle", "spot"),
        ("meta-data/tags/instance/Type", "worker-spot"),
        ("user-data", "#!/bin/sh"),
    ],
)
def test_an_instance_learns_what_it_is(get: Any, path: Any, value: Any) -> None:
    assert get(path) == (200, value)


def test_an_instance_learns_its_address(get: Any, facts: InstanceFacts) -> None:
    assert get("meta-data/local-ipv4") == (200, facts.private_ip)


def test_nothing_is_told_without_a_token(service: Any) -> None:
    assert ask(service, "meta-data/instance-id")[0] == 401
    assert ask(service, "api/token", "PUT")[0] == 400


def test_there_is_no_warning_until_there_is_one(service: Any, get: Any) -> None:
    assert get("meta-data/spot/instance-action")[0] == 404

    service.facts.warned_until = 1_614_772_800.0

    assert get("meta-data/spot/instance-action") == (200, '{"action": "terminate", "time": "2021-03-03T12:00:00Z"}')


def test_rebalance_advice_is_told_once_given(service: Any, get: Any) -> None:
    assert get("meta-data/events/recommendations/rebalance")[0] == 404

    service.facts.rebalance_at = 1_614_772_800.0

    assert "2021-03-03T12:00:00Z" in get("meta-data/events/recommendations/rebalance")[1]


def test_once_closed_it_has_left_its_port(facts: InstanceFacts) -> None:
    service = MetadataService(facts)
    host, _, port = service.endpoint.removeprefix("http://").partition(":")

    service.close()

    socket.create_server((host, int(port))).close()  # OSError while somebody listens there
