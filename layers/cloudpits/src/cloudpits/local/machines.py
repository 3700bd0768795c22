"""Plays the emulated instances: one agent process each, with its own folder, address, metadata service and speed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cloudpits.config.agent import extract
from cloudpits.domain.ports import Clock
from cloudpits.local.emulated_aws import EmulatedAws
from cloudpits.local.metadata import InstanceFacts, MetadataService
from cloudpits.local.throttle import Throttle

POLL_S = 0.1  # real seconds between two looks at the emulated EC2
SLICE_S = 0.01  # real seconds between two looks at CPU time
TERM_GRACE_S = 1.0  # real seconds between SIGTERM and SIGKILL when an instance ends


@dataclass(slots=True)
class Machine:
    """A running instance: its agent process and all below it, in a process group of its own."""

    facts: InstanceFacts
    process: subprocess.Popen[bytes]
    metadata: MetadataService
    throttle: Throttle | None
    ending_since: float | None = None
    reported: bool = False  # EC2 was told that the agent ended

    def end(self) -> None:
        """SIGTERM, as a shutdown sends; ``reap`` follows with SIGKILL."""
        if self.ending_since is None:
            self.ending_since = time.monotonic()
            self._signal(signal.SIGTERM)
            if self.throttle:
                self.throttle.release()

    def kill(self) -> None:
        self._signal(signal.SIGKILL)
        self.process.wait()

    def reap(self) -> bool:
        """Whether everything of it is gone; past the grace it is killed."""
        if self.ending_since is None:
            return False
        if self.process.poll() is None and time.monotonic() - self.ending_since < TERM_GRACE_S:
            return False
        self.kill()
        self.metadata.close()
        return True

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


@dataclass
class Supervisor:
    """Watches the emulated EC2 and keeps the machines in step with it, in a thread of its own.

    ``share_of_core`` gives an instance type's speed as a share of one real core (None: as fast as it goes);
    ``boot_s`` is the market time from launch to the agent's start. Job managers are never slowed.
    """

    aws: EmulatedAws
    clock: Clock
    folder: Path
    command: Sequence[str]
    environment: Mapping[str, str]
    share_of_core: Callable[[str], float | None]
    boot_s: float = 40.0
    machines: dict[str, Machine] = field(default_factory=dict)
    _booted: set[str] = field(default_factory=set)
    _failure: Exception | None = None
    _stopped: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def start(self) -> None:
        """Begin to watch."""
        for name, work, period in (("machines", self.poll, POLL_S), ("throttle", self.slow_down, SLICE_S)):
            thread = threading.Thread(target=self._repeat, args=(work, period), name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def check(self) -> None:
        """Raise what ended the watching, if anything did."""
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Stop watching and kill every machine."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()
        for machine in self.machines.values():
            machine.kill()
            machine.metadata.close()
        self.machines.clear()

    def _repeat(self, work: Callable[[], None], period: float) -> None:
        while not self._stopped.wait(period):
            try:
                work()
            except OSError:
                continue  # the emulator may be slow or gone for a moment; look again
            except Exception as error:  # noqa: BLE001 -- handed to whoever watches the run, see check
                self._failure = error
                return

    def poll(self) -> None:
        """Start what should run, warn who is warned, end what was ended, report who ended by itself."""
        for record in self.aws.instances():
            self._follow(record)
        for machine in list(self.machines.values()):
            instance_id = machine.facts.instance_id
            if machine.process.poll() is not None and machine.ending_since is None and not machine.reported:
                machine.reported = True
                self.aws.shut_down(instance_id)
            if machine.reap():
                with self._lock:
                    del self.machines[instance_id]

    def _follow(self, record: Mapping[str, Any]) -> None:
        instance_id = record["instance_id"]
        machine = self.machines.get(instance_id)
        alive = record["state"] in ("pending", "running")
        if machine is not None:
            machine.facts.warned_until = record["warned_until"]
            machine.facts.tags = record["tags"]
            if not alive:
                machine.end()
        elif alive and instance_id not in self._booted and self.clock.now() >= record["launched_at"] + self.boot_s:
            self._booted.add(instance_id)  # it is started once
            self._boot(record)

    def _boot(self, record: Mapping[str, Any]) -> None:
        facts = InstanceFacts(
            instance_id=record["instance_id"],
            instance_type=record["instance_type"],
            availability_zone=record["availability_zone"],
            private_ip=record["private_ip"],
            spot=record["spot"],
            user_data=record["user_data"],
            tags=record["tags"],
        )
        document = extract(facts.user_data)
        home = self.folder / facts.instance_id
        (home / "work").mkdir(parents=True)
        (home / "agent.json").write_text(document.model_dump_json(), encoding="utf-8")
        metadata = MetadataService(facts)
        environment = {
            **self.environment,
            "CLOUDPITS_AGENT_CONFIG": str(home / "agent.json"),
            "CLOUDPITS_WORK_DIR": str(home / "work"),
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata.endpoint,
            "AWS_ENDPOINT_URL": self.aws.endpoint,
        }
        with (home / "agent.log").open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 -- the agent of this package
                list(self.command), env=environment, cwd=home / "work", stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        share = self.share_of_core(facts.instance_type) if document.role == "worker" else None
        throttle = None if share is None else Throttle(process.pid, share)
        with self._lock:
            self.machines[facts.instance_id] = Machine(facts, process, metadata, throttle)

    def slow_down(self) -> None:
        """One slice of the duty cycle of every machine."""
        with self._lock:
            running = [m for m in self.machines.values() if m.throttle and m.ending_since is None]
        for machine in running:
            if machine.throttle:
                machine.throttle.step()
