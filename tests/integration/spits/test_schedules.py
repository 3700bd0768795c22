"""Randomised schedules of faults with real processes: the result never differs from that of an undisturbed run."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cloudpits.spits.journal import RESULT, Journal
from tests.waiting import until

TASKS = 40
ARGUMENTS = f"{TASKS} 8 0 2"
SCHEDULES = 52


class Storm:
    """A job under way, and what can happen to it; the random source says what does."""

    def __init__(self, cluster: Any, module: Any, draw: Any) -> None:
        self.cluster = cluster
        self.module = module
        self.draw = draw
        self.managers = [self.new_manager() for _ in range(draw.randint(1, 3))]
        self.job = self.new_job()

    def new_manager(self) -> Any:
        return self.cluster.task_manager(self.module, ARGUMENTS, "--workers", self.draw.randint(1, 2), "--grace", 5)

    def new_job(self) -> Any:
        options = ("--journal", "journal", "--heartbeat", 1)
        return self.cluster.job_manager(self.module, ARGUMENTS, *options)

    def let_work(self, journal_bytes: int) -> None:
        """Until the journal has grown so much (a result takes 26 bytes), or the job has ended."""
        enough = self.journal_bytes() + journal_bytes
        until(lambda: self.job.poll() is not None or self.journal_bytes() >= enough, self.job.text)

    def journal_bytes(self) -> int:
        return sum(path.stat().st_size for path in (self.cluster.folder / "journal").glob("*.seg"))

    def replace(self, leave: Any) -> None:
        """One task manager goes, another comes."""
        leave(self.managers.pop(self.draw.randrange(len(self.managers))))
        self.managers.append(self.new_manager())

    def kill_task_manager(self) -> None:
        self.replace(lambda manager: manager.kill())

    def drain_task_manager(self) -> None:
        self.replace(lambda manager: manager.signal(signal.SIGTERM))

    def freeze_for_good(self) -> None:
        self.replace(lambda manager: manager.freeze())

    def freeze_for_a_while(self) -> None:
        manager = self.draw.choice(self.managers)
        taken_for_dead = self.job.text().count("is gone")
        until_missed = self.draw.random() < 0.25 and "is up" in self.job.text()
        manager.freeze()
        if until_missed:
            until(lambda: self.job.poll() is not None or self.job.text().count("is gone") > taken_for_dead)
        manager.thaw()

    def kill_job_manager(self) -> None:
        self.job.kill()
        self.job = self.new_job()

    def strike(self) -> None:
        self.draw.choice(
            [
                self.kill_task_manager,
                self.drain_task_manager,
                self.freeze_for_good,
                self.freeze_for_a_while,
                self.kill_job_manager,
            ]
        )()


def committed_results(cluster: Any) -> Any:
    """Run and task ids in the journal, in order."""
    journal = Journal(cluster.folder / "journal", "trial", ARGUMENTS.split())
    keys = [(run, record.task_id) for run in (1, 2) for record in journal.replay(run) if record.kind == RESULT]
    journal.close()
    return keys


@pytest.mark.parametrize("seed", range(SCHEDULES))
def test_whatever_happens_each_task_is_committed_once(
    cluster: Any, trial_module: Path, expected: Callable[..., str], seed: int
) -> None:
    draw = random.Random(seed)  # noqa: S311 - repeatable, not secret
    storm = Storm(cluster, trial_module, draw)
    for _ in range(draw.randint(1, 3)):
        storm.let_work(draw.randint(0, 800))
        if storm.job.poll() is None:
            storm.strike()
    code = storm.job.wait()
    assert code == 0, storm.job.text()
    assert cluster.result() == expected(TASKS, runs=2)
    keys = committed_results(cluster)
    assert len(keys) == len(set(keys)) == 2 * TASKS
