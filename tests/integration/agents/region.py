"""A small region: AWS in memory (moto), instances on loopback addresses, real SPITS programs and a real module.

The agents under test run in threads of the test's process, where moto answers their AWS calls; ``spits-jm`` and
``spits-tm`` are the processes that they start. No task of a worker ends before the test opens the worker's gate, so
what happens meanwhile does not depend on the pace of the machine.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import boto3

from cloudpits.adapters.aws.channel import S3Channel
from cloudpits.adapters.aws.clock import SystemClock
from cloudpits.agents.cadence import Cadence
from cloudpits.agents.host import Host
from cloudpits.agents.wiring import build_worker, run_job_manager
from cloudpits.config.agent import AgentDocument
from cloudpits.local.metadata import InstanceFacts, MetadataService

REGION = "us-east-1"
BUCKET = "artefacts"
RUN = "pi-test"
SAMPLES = 20_000  # per task: next to nothing, since the gate and not the computing sets the pace
TASKS = 40
# The clock is the system's, so that a first hour or a lease cannot run out meanwhile; only the looks are frequent.
OFTEN = Cadence(tick_s=0.1, notice_s=0.5, control_s=0.5, discovery_s=0.5, progress_s=0.5)
HOUR_S = 3600.0
PATIENCE_S = 120.0
Value = TypeVar("Value")


def until(condition: Callable[[], Value], what: str) -> Value:
    """The first true value of ``condition``; a failure that says ``what`` did not happen otherwise."""
    deadline = time.monotonic() + PATIENCE_S
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what} did not happen within {PATIENCE_S:g} s"
        time.sleep(0.02)
    return value


class Gate:
    """Where the tasks of one worker wait, closed at first; see ``gated_pi.cpp``."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path
        self._pipe = os.open(path, os.O_RDWR)

    def let_pass(self, tasks: int) -> None:
        """Let so many tasks go, and then no more."""
        os.write(self._pipe, bytes(tasks))

    def open(self) -> None:
        """Let all tasks go."""
        self.let_pass(10 * TASKS)

    def remove(self) -> None:
        """Nobody waits any more."""
        os.close(self._pipe)


class CountingClock:
    """The system's clock; counts the looks of its agent, which sleeps after each."""

    def __init__(self) -> None:
        self._clock = SystemClock()
        self.looks = 0

    def now(self) -> float:
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        self.looks += 1
        self._clock.sleep(seconds)


@dataclass
class Agent:
    """An agent in a thread, with the metadata service of its instance and the gate of its tasks."""

    instance_id: str
    host: Host
    metadata: MetadataService
    gate: Gate
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
        """Have it end, if it runs, and what belongs to its instance."""
        self.shutting_down.set()
        self.gate.remove()
        if hasattr(self, "_thread"):
            self._thread.join(PATIENCE_S)
        self.metadata.close()

    def status(self) -> dict[str, Any]:
        """What the SPITS program that it runs says; empty before it has said anything."""
        try:
            document: dict[str, Any] = json.loads(self.host.workspace.status.read_text())
        except FileNotFoundError:
            return {}
        return document

    def pid(self) -> int:
        """The SPITS program that it runs."""
        return int(until(lambda: self.status().get("pid"), "a status"))

    def look(self) -> None:
        """Until the agent has looked at everything as it is now, or has ended."""
        clock: Any = self.host.clock
        enough = clock.looks + 2  # the look under way may have begun earlier
        until(lambda: clock.looks >= enough or self.exit_code, "another look")

    def stand_at_the_gate(self, completed: int = 0) -> None:
        """Until a task waits at the gate after so many completed ones, and the agent knows."""

        def waiting() -> bool:
            status = self.status()
            return bool(status.get("working")) and status["tasks_completed"] == completed

        until(waiting, f"task {completed + 1} of {self.instance_id}")
        self.look()


@dataclass
class Region:
    """What tests see of AWS, and how they start instances in it; each gets one of ``addresses``."""

    folder: Path
    subnet: str
    addresses: Iterator[str]
    agents: list[Agent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.s3 = boto3.client("s3", region_name=REGION)
        self.ec2 = boto3.client("ec2", region_name=REGION)
        self.cloudwatch = boto3.client("cloudwatch", region_name=REGION)
        self.channel = S3Channel(self.s3, BUCKET, RUN)

    def document(self, role: str) -> AgentDocument:
        return AgentDocument.model_validate(
            {
                "role": role,
                "experiment": "pi",
                "run": RUN,
                "region": REGION,
                "bucket": BUCKET,
                "program": {"module": "libpi.so", "arguments": [str(SAMPLES), str(TASKS)], "workers_per_instance": 1},
                "modules": dict.fromkeys(("x86_64", "arm64"), f"s3://{BUCKET}/modules/libpi.so"),
                "metrics_s": 0.5,
                "journal_s": 0.5,
                "drain_s": HOUR_S,
                "lease_s": HOUR_S,
            }
        )

    def instance(self, role: str, **changes: Any) -> Agent:
        """An instance whose agent does not run yet; ``changes`` are to its document."""
        address = next(self.addresses)
        kind = "worker-spot" if role == "worker" else "jobmanager-ondemand"
        tags = [{"Key": "Type", "Value": kind}, {"Key": "cloudpits:run", "Value": RUN}]
        instance_id = self.ec2.run_instances(
            ImageId="ami-00000001",
            MinCount=1,
            MaxCount=1,
            InstanceType="c5.large",
            SubnetId=self.subnet,
            PrivateIpAddress=address,
            TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
        )["Instances"][0]["InstanceId"]
        facts = InstanceFacts(instance_id, "c5.large", "us-east-1a", address, spot=True, user_data="")
        metadata, gate = MetadataService(facts), Gate(self.folder / instance_id)
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "CLOUDPITS_WORK_DIR": str(self.folder),
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata.endpoint,
            "PI_GATE": str(gate.path),
        }
        host = Host.here(self.document(role).model_copy(update=changes), environment)
        host = replace(host, clock=CountingClock(), cadence=OFTEN)
        agent = Agent(instance_id, host, metadata, gate)
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

    def compute(self, worker: Agent, tasks: int) -> None:
        """Let a worker complete so many tasks; they are committed then, no other is, and the next waits at the gate."""
        worker.stand_at_the_gate()
        worker.gate.let_pass(tasks)
        until(lambda: self.committed() == tasks, f"the commit of {tasks} tasks")
        worker.stand_at_the_gate(tasks)

    def committed(self) -> int:
        progress = self.channel.progress()
        return 0 if progress is None else progress.tasks_committed

    def committed_by(self, worker: Agent) -> int:
        progress = self.channel.progress()
        return 0 if progress is None else progress.workers.get(worker.instance_id, 0)

    def output(self, name: str) -> bytes:
        return self.s3.get_object(Bucket=BUCKET, Key=f"runs/{RUN}/output/{name}")["Body"].read()
