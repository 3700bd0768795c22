"""What the tests of the agents share: a clean environment, the module, and the region of ``region.py``."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from moto import mock_aws

from cloudpits.agents.processes import find_program
from tests.integration.agents.region import BUCKET, PATIENCE_S, REGION, SAMPLES, TASKS, Region


@pytest.fixture
def nowhere(addresses: Iterator[str]) -> str:
    """Where nobody answers."""
    return f"http://{next(addresses)}:9"


@pytest.fixture(autouse=True)
def no_settings_of_aws_but_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have an account, a profile and a proxy for it."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)


@pytest.fixture(scope="session")
def module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pi example with a gate, compiled on the spot."""
    path = tmp_path_factory.mktemp("module") / "libpi.so"
    compiler = shutil.which("g++")
    assert compiler, "g++ is needed to compile the example module"
    source = Path(__file__).parent / "gated_pi.cpp"
    subprocess.run([compiler, "-O1", "-std=c++17", "-shared", "-fPIC", "-o", path, source], check=True)
    return path


def one_call_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Moto closes an object's content when it is replaced, even while another thread is reading it."""
    lock, call = threading.RLock(), BaseClient._make_api_call

    def locked(client: BaseClient, operation: str, arguments: dict[str, Any]) -> Any:
        with lock:
            return call(client, operation, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", locked)


@pytest.fixture
def region(
    tmp_path: Path, module: Path, network: str, addresses: Iterator[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Region]:
    one_call_at_a_time(monkeypatch)
    with mock_aws():
        ec2 = boto3.client("ec2", region_name=REGION)
        vpc = ec2.create_vpc(CidrBlock=f"{network}.0.0/16")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=f"{network}.0.0/24")["Subnet"]["SubnetId"]
        region = Region(tmp_path, subnet, addresses)
        region.s3.create_bucket(Bucket=BUCKET)
        region.s3.upload_file(str(module), BUCKET, "modules/libpi.so")
        yield region
        for agent in region.agents:
            agent.shutting_down.set()
        for agent in region.agents:
            agent.end()


@pytest.fixture(scope="session")
def expected(module: Path, addresses: Iterator[str], tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The result of the same job without agents: one job manager, one task manager."""
    folder, address = tmp_path_factory.mktemp("alone"), next(addresses)
    (folder / "nodes.txt").write_text(f"node {address}:7727\n")
    common = ["--job", "alone", "--bind", address]
    program = [str(module), str(SAMPLES), str(TASKS)]
    task_manager = subprocess.Popen([find_program("spits-tm"), *common, "--workers", "1", *program], cwd=folder)
    try:
        job_manager = [find_program("spits-jm"), *common, *program]
        subprocess.run(job_manager, cwd=folder, check=True, timeout=PATIENCE_S)
        return (folder / "result.txt").read_bytes()
    finally:
        task_manager.kill()
        task_manager.wait()
