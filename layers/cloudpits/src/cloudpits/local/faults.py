"""Faults spread over a run: interruptions, lost instances, killed job managers and controllers."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cloudpits.local.emulated_aws import EmulatedAws
from cloudpits.local.throttle import cpu_seconds
from cloudpits.local.warden import marked

EARLIEST, LATEST = 0.15, 0.75  # share of the tasks committed between which faults are spread
JOB_MANAGER_ROLE = "jobmanager-ondemand"


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """How many of each fault; ``seed`` decides when and whom they hit."""

    interruptions: int = 0
    kills: int = 0
    job_manager_kills: int = 0
    controller_kills: int = 0
    seed: int = 0

    def schedule(self) -> list[tuple[float, str]]:
        """(share of tasks committed, kind) in order: each kind evenly spread, with a jitter."""
        chance = random.Random(self.seed)  # noqa: S311 -- a fault schedule
        counts = {
            "interrupt": self.interruptions,
            "kill": self.kills,
            "kill job manager": self.job_manager_kills,
            "kill controller": self.controller_kills,
        }
        return sorted(
            (EARLIEST + (LATEST - EARLIEST) * (index + chance.uniform(0.2, 0.8)) / count, kind)
            for kind, count in counts.items()
            for index in range(count)
        )


@dataclass
class FaultInjection:
    """Carries a schedule out as the run progresses. ``running`` names instances whose agent has started."""

    aws: EmulatedAws
    plan: FaultPlan
    mark: str
    controller: str  # name of the rebalancing function
    running: Callable[[], Sequence[str]]
    pending: list[tuple[float, str]] = field(default_factory=list)
    done: list[str] = field(default_factory=list)  # what was done, for the log
    _chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.pending = self.plan.schedule()
        self._chance = random.Random(self.plan.seed + 1)  # noqa: S311 -- a fault schedule

    def step(self, progress: float) -> str | None:
        """Carry out the next fault if it is due and has a victim; a line that says what was done."""
        if not self.pending or progress < self.pending[0][0]:
            return None
        actions = {
            "interrupt": self._interrupt,
            "kill": self._kill,
            "kill job manager": self._kill_job_manager,
            "kill controller": self._kill_controller,
        }
        told = actions[self.pending[0][1]]()
        if told:
            self.pending.pop(0)
            self.done.append(told)
        return told

    def _victim(self, *, job_manager: bool, spot_only: bool = False) -> str | None:
        running = set(self.running())
        candidates = [
            record["instance_id"]
            for record in self.aws.instances()
            if record["instance_id"] in running and _fits(record, job_manager=job_manager, spot_only=spot_only)
        ]
        return self._chance.choice(sorted(candidates)) if candidates else None

    def _interrupt(self) -> str | None:
        victim = self._victim(job_manager=False, spot_only=True)
        if victim and self.aws.interrupt(victim):
            return f"interruption notice to {victim}"
        return None

    def _kill(self) -> str | None:
        victim = self._victim(job_manager=False)
        return self._lose(victim, f"{victim} lost without notice")

    def _kill_job_manager(self) -> str | None:
        victim = self._victim(job_manager=True)
        return self._lose(victim, f"job manager {victim} lost without notice")

    def _lose(self, victim: str | None, told: str) -> str | None:
        if victim is None:
            return None
        self.aws.fail(victim)
        return told

    def _kill_controller(self) -> str | None:
        """Kill the rebalancing function's process, if possible while it computes a cycle."""
        for pid in _functions(self.mark, self.controller):
            if _busy(pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    return f"controller process {pid} killed during a cycle"
        return None


def _fits(record: dict[str, Any], *, job_manager: bool, spot_only: bool) -> bool:
    alive = record["state"] == "running" and record["warned_until"] is None
    is_job_manager = record["tags"].get("Type") == JOB_MANAGER_ROLE
    return alive and is_job_manager == job_manager and (record["spot"] or not spot_only)


def _functions(mark: str, name: str) -> list[int]:
    entry = f"AWS_LAMBDA_FUNCTION_NAME={name}".encode()
    found = []
    for pid in marked(mark):
        with contextlib.suppress(OSError):
            if entry in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                found.append(pid)
    return found


def _busy(pid: int) -> bool:
    try:
        before = cpu_seconds(pid)
        for _ in range(50):  # half a second in all
            if cpu_seconds(pid) - before > 0.005:  # noqa: PLR2004 -- CPU seconds that only a cycle uses
                return True
            time.sleep(0.01)
    except OSError:
        pass
    return False
