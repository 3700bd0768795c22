"""A small region: AWS in memory (moto), instances on loopback addresses, real SPITS programs and a real module.

The agents under test run in threads of this process, where moto answers their AWS calls; ``spits-jm`` and
``spits-tm`` are the processes that they start.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from moto import mock_aws

from cloudpits.adapters.aws.channel import S3Channel
from cloudpits.adapters.aws.clock import clock_from
from cloudpits.agents.host import Host
from cloudpits.agents.processes import find_program
from cloudpits.agents.wiring import build_worker, run_job_manager
from cloudpits.config.agent import AgentDocument
from cloudpits.config.environment import ClockEnvironment, read_environment
from cloudpits.domain.ports import Clock
from cloudpits.local.metadata import InstanceFacts, MetadataService

REGION = "us-east-1"
BUCKET = "artefacts"
RUN = "pi-test"
PI_SOURCE = Path(__file__).parents[3] / "examples" / "pi" / "pi.cpp"
SCALE = 20.0  # a minute of the run takes three seconds
PATIENCE_S = 120.0


@pytest.fixture(scope="session")
def module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pi example, compiled on the spot."""
    path = tmp_path_factory.mktemp("module") / "libpi.so"
    compiler = shutil.which("g++")
    assert compiler, "g++ is needed to compile the example module"
    subprocess.run([compiler, "-O2", "-std=c++17", "-shared", "-fPIC", "-o", path, PI_SOURCE], check=True)
    return path


@dataclass
class Agent:
    """An agent in a thread, with the metadata service of its instance."""

    instance_id: str
    host: Host
    metadata: MetadataService
    shutting_down: threading.Event = field(default_factory=threading.Event)
    exit_code: list[int] = field(default_factory=list)

    def start(self) -> None:
        self._thread = threading.Thread(target=lambda: self.exit_code.append(self.play()), daemon=True)
        self._thread.start()

    def play(self) -> int:
        if self.host.document.role == "worker":
            return build_worker(self.host, self.shutting_down.is_set).run()
        return run_job_manager(self.host, self.shutting_down.is_set)

    def wait(self) -> int:
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive(), f"{self.host.document.role} did not end"
        return self.exit_code[0]

    def end(self) -> None:
        """Have it end, if it runs, and its metadata service."""
        self.shutting_down.set()
        if hasattr(self, "_thread"):
            self._thread.join(PATIENCE_S)
        self.metadata.close()


@dataclass
class Region:
    """What tests see of AWS, and how they start instances in it."""

    folder: Path
    subnet: str
    samples: int = 20_000_000
    tasks: int = 40
    agents: list[Agent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.s3 = boto3.client("s3", region_name=REGION)
        self.ec2 = boto3.client("ec2", region_name=REGION)
        self.cloudwatch = boto3.client("cloudwatch", region_name=REGION)
        self.channel = S3Channel(self.s3, BUCKET, RUN)
        self.environment = {
            **os.environ,
            "CLOUDPITS_WORK_DIR": str(self.folder),
            "CLOUDPITS_CLOCK_REAL_ORIGIN": repr(time.time()),
            "CLOUDPITS_CLOCK_MARKET_ORIGIN": repr(time.time()),
            "CLOUDPITS_CLOCK_SCALE": repr(SCALE),
        }

    def clock(self) -> Clock:
        return clock_from(read_environment(ClockEnvironment, self.environment))

    def document(self, role: str) -> AgentDocument:
        arguments = [str(self.samples), str(self.tasks)]
        return AgentDocument.model_validate(
            {
                "role": role,
                "experiment": "pi",
                "run": RUN,
                "region": REGION,
                "bucket": BUCKET,
                "program": {"module": "libpi.so", "arguments": arguments, "workers_per_instance": 1},
                "modules": dict.fromkeys(("x86_64", "arm64"), f"s3://{BUCKET}/modules/libpi.so"),
                "task_manager_port": 17727,
                "job_manager_port": 17726,
                "metrics_s": 10.0,
                "journal_s": 10.0,
            }
        )

    def instance(self, role: str, **changes: Any) -> Agent:
        """An instance whose agent does not run yet; ``changes`` are to its document."""
        address = f"127.0.51.{len(self.agents) + 10}"
        kind = "worker-spot" if role == "worker" else "jobmanager-ondemand"
        tags = [{"Key": "Type", "Value": kind}, {"Key": "cloudpits:run", "Value": RUN}]
        instance = self.ec2.run_instances(
            ImageId="ami-00000001",
            MinCount=1,
            MaxCount=1,
            InstanceType="c5.large",
            SubnetId=self.subnet,
            PrivateIpAddress=address,
            TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
        )["Instances"][0]
        facts = InstanceFacts(instance["InstanceId"], "c5.large", "us-east-1a", address, spot=True, user_data="")
        metadata = MetadataService(facts)
        environment = {**self.environment, "AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata.endpoint}
        host = Host.here(self.document(role).model_copy(update=changes), environment)
        agent = Agent(instance["InstanceId"], host, metadata)
        self.agents.append(agent)
        return agent

    def launch(self, role: str) -> Agent:
        """Start an instance of the role, and its agent."""
        agent = self.instance(role)
        agent.start()
        return agent

    def take_away(self, agent: Agent) -> None:
        """The instance ends, as its user data has it once the agent has ended."""
        self.ec2.terminate_instances(InstanceIds=[agent.instance_id])

    def committed(self) -> int:
        progress = self.channel.progress()
        return 0 if progress is None else progress.tasks_committed

    def output(self, name: str) -> bytes:
        return self.s3.get_object(Bucket=BUCKET, Key=f"runs/{RUN}/output/{name}")["Body"].read()


def one_call_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Moto closes an object's content when it is replaced, even while another thread is reading it."""
    lock, call = threading.RLock(), BaseClient._make_api_call

    def locked(client: BaseClient, operation: str, arguments: dict[str, Any]) -> Any:
        with lock:
            return call(client, operation, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", locked)


@pytest.fixture
def region(tmp_path: Path, module: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Region]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    one_call_at_a_time(monkeypatch)
    with mock_aws():
        ec2 = boto3.client("ec2", region_name=REGION)
        vpc = ec2.create_vpc(CidrBlock="127.0.0.0/16")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="127.0.51.0/24")["Subnet"]["SubnetId"]
        region = Region(tmp_path, subnet)
        region.s3.create_bucket(Bucket=BUCKET)
        region.s3.upload_file(str(module), BUCKET, "modules/libpi.so")
        yield region
        for agent in region.agents:
            agent.shutting_down.set()
        for agent in region.agents:
            agent.end()


@pytest.fixture(scope="session")
def expected(module: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The result of the same job without agents: one job manager, one task manager."""
    folder = tmp_path_factory.mktemp("alone")
    (folder / "nodes.txt").write_text("node 127.0.51.9:17727\n")
    line = [str(module), str(Region.samples), str(Region.tasks)]
    task_manager = subprocess.Popen(
        [
            find_program("spits-tm"),
            "--job",
            "alone",
            "--bind",
            "127.0.51.9",
            "--port",
            "17727",
            "--workers",
            "1",
            *line,
        ],
        cwd=folder,
    )
    try:
        subprocess.run(
            [find_program("spits-jm"), "--job", "alone", "--bind", "127.0.51.9", "--port", "17726", *line],
            cwd=folder,
            check=True,
            timeout=PATIENCE_S,
        )
        return (folder / "result.txt").read_bytes()
    finally:
        task_manager.kill()
        task_manager.wait()
