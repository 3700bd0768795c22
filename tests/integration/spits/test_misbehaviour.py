"""What a program may do wrong: tasks that crash, hang or push wrongly, and roles of the job manager that crash."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import until


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("crash", "killed by SIGABRT"),
        ("throw", "killed by SIGABRT"),
        ("nothing", "pushed 0 times"),
        ("twice", "pushed 2 times"),
        ("nonzero", "returned 42"),
    ],
)
def test_a_poison_task_fails_the_job_and_is_named(
    cluster: Any, trial_module: Path, behaviour: str, reason: str
) -> None:
    arguments = f"20 0 0 1 {behaviour} 7 2"
    managers = [cluster.task_manager(trial_module, arguments) for _ in range(2)]
    job = cluster.job_manager(trial_module, arguments, "--status", "status.json")
    cluster.at_the_gate(2, managers=2)
    cluster.open_gate()
    assert job.wait() == 5
    message = cluster.status()["message"]
    assert cluster.status()["state"] == "failed"
    assert "task 7 failed 3 times" in message
    assert reason in message
    assert [manager.wait() for manager in managers] == [0, 0], "no task manager died of it"


def test_a_task_that_never_returns_is_ended_by_the_task_timeout(cluster: Any, trial_module: Path) -> None:
    arguments = "20 0 0 1 hang 7"
    cluster.task_manager(trial_module, arguments, "--task-timeout", 1)
    job = cluster.job_manager(trial_module, arguments, "--max-attempts", 2, "--status", "status.json")
    assert job.wait() == 5
    assert "task 7 failed 2 times" in cluster.status()["message"]
    assert "ran longer than 1 s" in cluster.status()["message"]


def test_a_task_that_runs_far_longer_than_the_others_is_named(cluster: Any, trial_module: Path) -> None:
    arguments = "20 0 0 1 hang 7"
    manager = cluster.task_manager(trial_module, arguments, "--status", "tm.json")
    job = cluster.job_manager(trial_module, arguments)
    until(lambda: "task 7 of run 1 has run for" in manager.text(), manager.text)
    cluster.rewritten("tm.json", 2)  # as it writes every half second, it has looked at its tasks again
    assert manager.text().count("--task-timeout would end it") == 1, "said once"
    assert job.poll() is None, "without a limit it may still end"


def test_tiny_tasks_waiting_behind_one_that_crashes_are_not_blamed(cluster: Any, trial_module: Path) -> None:
    arguments = "2000 0 0 1 crash 1500"
    cluster.task_manager(trial_module, arguments)
    job = cluster.job_manager(trial_module, arguments, "--status", "status.json", "--on-poison", "skip")
    assert job.wait() == 0
    assert cluster.status()["tasks_quarantined"] == ["1/1500"]
    assert cluster.status()["tasks_committed"] == 1999


def test_tiny_tasks_waiting_behind_one_that_hangs_go_to_others(cluster: Any, trial_module: Path) -> None:
    arguments = "3000 0 0 1 hang 1500"
    cluster.task_manager(trial_module, arguments, "--workers", 2)
    cluster.job_manager(trial_module, arguments, "--status", "status.json")
    until(lambda: cluster.committed() == 2999, lambda: str(cluster.status()))


def test_a_poison_task_can_be_skipped(cluster: Any, trial_module: Path, expected: Callable[..., str]) -> None:
    arguments = "20 0 0 1 crash 7"
    cluster.task_manager(trial_module, arguments)
    job = cluster.job_manager(trial_module, arguments, "--status", "status.json", "--on-poison", "skip")
    assert job.wait() == 0
    assert cluster.result() == expected(20, without=(7,))
    assert cluster.status()["tasks_quarantined"] == ["1/7"]


def test_a_task_that_fails_once_is_run_again(cluster: Any, trial_module: Path, expected: Callable[..., str]) -> None:
    arguments = "20 0 0 1 once-crash 7"
    cluster.task_manager(trial_module, arguments)
    assert cluster.job_manager(trial_module, arguments).wait() == 0
    assert cluster.result() == expected(20)


@pytest.mark.parametrize("behaviour", ["generate-nothing", "generate-twice"])
def test_a_job_manager_role_that_pushes_wrongly_fails_the_job(cluster: Any, trial_module: Path, behaviour: str) -> None:
    arguments = f"20 0 0 1 {behaviour} 7"
    cluster.task_manager(trial_module, arguments)
    job = cluster.job_manager(trial_module, arguments)
    assert job.wait() == 5
    assert "error: task 7: spits_job_manager_next_task pushed" in job.text()
    assert not (cluster.folder / "result.txt").exists(), "a failed job leaves no result"


CRASHES = {
    "generate-crash": ("next_task of task 7 of run 1", "SIGABRT"),
    "commit-crash": ("commit_pit of task 7 of run 1", "SIGABRT"),
    "commit-exit": ("commit_pit of task 7 of run 1", "exited with status 1"),
    "finish-crash": ("commit_job of run 1", "SIGABRT"),
}


@pytest.mark.parametrize("journal", [True, False])
@pytest.mark.parametrize("behaviour", CRASHES)
def test_a_crash_in_a_role_of_the_job_manager_is_named_and_not_repeated_for_ever(
    cluster: Any, trial_module: Path, behaviour: str, journal: bool
) -> None:
    arguments = f"20 0 0 1 {behaviour} 7"
    cluster.task_manager(trial_module, arguments)
    options = ("--journal", "journal") if journal else ()
    job = cluster.job_manager(trial_module, arguments, "--status", "status.json", *options)
    assert job.wait() == 5
    where, how = CRASHES[behaviour]
    errors = [line for line in job.text().splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert where in errors[0]
    assert how in errors[0]
    assert f"in {3 if journal else 1} attempts" in errors[0]
    assert (cluster.status()["state"], cluster.status()["message"]) == ("failed", errors[0].removeprefix("error: "))


def test_a_crash_that_does_not_repeat_costs_no_result(
    cluster: Any, trial_module: Path, expected: Callable[..., str]
) -> None:
    arguments = "20 0 0 1 finish-once-crash"
    cluster.task_manager(trial_module, arguments)
    job = cluster.job_manager(trial_module, arguments, "--journal", "journal")
    assert job.wait() == 0
    assert "commit_job of run 1; attempt 1 of 3" in job.text()
    assert cluster.result() == expected(20)


def test_a_failing_spits_main_fails_the_job(cluster: Any, trial_module: Path) -> None:
    cluster.task_manager(trial_module, "3 0 0 1 main-fails")
    job = cluster.job_manager(trial_module, "3 0 0 1 main-fails")
    assert job.wait() == 5
    assert "spits_main returned 7" in job.text()
