"""A simulated AWS account: moto answers in this process, nothing leaves the machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from cloudpits.adapters.aws import clients

REGION = "us-east-1"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """``aws("ec2")`` is a client of the simulated account."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # a thousand images that nobody here looks at
    clients.client.cache_clear()
    with mock_aws():
        yield lambda service: boto3.client(service, region_name=REGION)
    clients.client.cache_clear()
