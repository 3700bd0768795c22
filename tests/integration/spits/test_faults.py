"""What spot instances do to task managers, and what ours do about it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cloudpits.spits.journal import RESULT, Journal


def committed(cluster: Any) -> Any:
    return cluster.status().get("tasks_committed", 0)


def records(cluster: Any, arguments: str) -> Any:
    """Task ids in the journal, in order."""
    journal = Journal(cluster.folder / "journal", "trial", arguments.split())
    ids = [record.task_id for record in journal.replay(1) if record.kind == RESULT]
    journal.close()
    return ids


def test_tasks_of_a_killed_task_manager_go_to_others_at_once(
    cluster: Any, trial_module: Path, expected: Callable[..., str], wait_until: Callable[..., None]
) -> None:
    first, _ = (cluster.task_manager(trial_module, "60 20") for _ in range(2))
    job = cluster.job_manager(trial_module, "60 20", "--status", "status.json")
    wait_until(lambda: committed(cluster) > 5)
    first.kill()
    assert job.wait() == 0
    assert cluster.result() == expected(60)
    assert "go to others" in job.text()


def test_a_frozen_task_manager_stalls_nobody(
    cluster: Any, trial_module: Path, expected: Callable[..., str], wait_until: Callable[..., None]
) -> None:
    frozen, _ = (cluster.task_manager(trial_module, "60 20") for _ in range(2))
    job = cluster.job_manager(trial_module, "60 20", "--status", "status.json")
    wait_until(lambda: committed(cluster) > 5)
    frozen.freeze()
    began = time.monotonic()
    assert job.wait() == 0
    assert time.monotonic() - began < 8, "one heartbeat to notice and the other's work, not a serial timeout"
    assert cluster.result() == expected(60)


def test_a_thawed_task_manager_works_on(
    cluster: Any, trial_module: Path, expected: Callable[..., str], wait_until: Callable[..., None]
) -> None:
    manager = cluster.task_manager(trial_module, "60 20")
    job = cluster.job_manager(trial_module, "60 20", "--status", "status.json")
    wait_until(lambda: committed(cluster) > 5)
    manager.freeze()
    wait_until(lambda: "is gone" in job.text())
    manager.thaw()
    assert job.wait() == 0
    assert cluster.result() == expected(60)


def test_slicing_a_task_manager_by_stop_and_continue_is_harmless(
    cluster: Any, trial_module: Path, expected: Callable[..., str]
) -> None:
    manager = cluster.task_manager(trial_module, "150 5")
    job = cluster.job_manager(trial_module, "150 5")
    while job.poll() is None:
        manager.freeze()
        time.sleep(0.06)
        manager.thaw()
        time.sleep(0.06)
    assert job.code == 0
    assert cluster.result() == expected(150)
    assert "is gone" not in job.text()


def test_a_listed_node_nobody_answers_at_costs_nothing(
    cluster: Any, trial_module: Path, expected: Callable[..., str]
) -> None:
    (cluster.folder / "nodes.txt").write_text("node 127.0.0.1:1\nnode 192.0.2.1:7727\nnonsense\n")
    cluster.task_manager(trial_module, "100 5")
    began = time.monotonic()
    assert cluster.job_manager(trial_module, "100 5").wait() == 0
    assert time.monotonic() - began < 10
    assert cluster.result() == expected(100)


def test_a_drained_task_manager_loses_nothing_and_leaves(
    cluster: Any, trial_module: Path, expected: Callable[..., str], wait_until: Callable[..., None]
) -> None:
    leaving = cluster.task_manager(trial_module, "80 30", "--workers", 2, "--status", "tm.json")
    job = cluster.job_manager(trial_module, "80 30", "--status", "status.json", "--journal", "journal")
    wait_until(lambda: committed(cluster) > 5)
    cluster.task_manager(trial_module, "80 30")
    cluster.announced(2)
    leaving.signal(signal.SIGTERM)
    assert leaving.wait() == 0
    assert cluster.status("tm.json")["in_hand"] == 0, "all it had was finished and read, or handed back"
    cluster.announced(1)
    assert job.wait() == 0
    assert cluster.result() == expected(80)


def test_a_drain_ends_with_its_grace(cluster: Any, trial_module: Path, wait_until: Callable[..., None]) -> None:
    manager = cluster.task_manager(trial_module, "3 0 0 1 hang 1", "--grace", 0.5, "--status", "tm.json")
    cluster.job_manager(trial_module, "3 0 0 1 hang 1", "--status", "status.json")
    wait_until(lambda: cluster.status("tm.json").get("in_hand"))
    began = time.monotonic()
    manager.signal(signal.SIGTERM)
    assert manager.wait() == 0
    assert time.monotonic() - began < 5


def test_a_killed_job_manager_resumes_from_its_journal(
    cluster: Any, trial_module: Path, expected: Callable[..., str], wait_until: Callable[..., None]
) -> None:
    cluster.task_manager(trial_module, "80 10")
    job = cluster.job_manager(trial_module, "80 10", "--status", "status.json", "--journal", "journal")
    wait_until(lambda: committed(cluster) > 20)
    first = cluster.status()["pid"]
    job.kill()
    known = len(records(cluster, "80 10"))
    assert known > 20
    job = cluster.job_manager(trial_module, "80 10", "--status", "status.json", "--journal", "journal")
    wait_until(lambda: cluster.status().get("pid") not in {None, first} and committed(cluster) >= known)
    assert job.wait() == 0
    assert cluster.result() == expected(80)
    assert sorted(records(cluster, "80 10")) == list(range(1, 81)), "no result was committed twice"


def test_a_finished_journal_gives_the_result_again_without_task_managers(
    cluster: Any, trial_module: Path, expected: Callable[..., str]
) -> None:
    manager = cluster.task_manager(trial_module, "30 0 0 2")
    assert cluster.job_manager(trial_module, "30 0 0 2", "--journal", "journal").wait() == 0
    manager.wait()
    (cluster.folder / "result.txt").unlink()
    assert cluster.job_manager(trial_module, "30 0 0 2", "--journal", "journal").wait() == 0
    assert cluster.result() == expected(30, runs=2)


def test_the_journal_of_another_job_is_refused(cluster: Any, trial_module: Path) -> None:
    cluster.task_manager(trial_module, "5")
    assert cluster.job_manager(trial_module, "5", "--journal", "journal").wait() == 0
    other = cluster.job_manager(trial_module, "6", "--journal", "journal")
    assert other.wait() == 2
    assert "give another directory or job id" in other.text()


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
    arguments = f"20 0 0 1 {behaviour} 7"
    managers = [cluster.task_manager(trial_module, arguments) for _ in range(2)]
    cluster.announced(2)
    job = cluster.job_manager(trial_module, arguments, "--status", "status.json")
    assert job.wait() == 5
    message = cluster.status()["message"]
    assert cluster.status()["state"] == "failed"
    assert "task 7 failed 3 times" in message
    assert reason in message
    assert [manager.wait() for manager in managers] == [0, 0], "no task manager died of it"


def test_a_task_that_never_returns_is_ended_by_the_task_timeout(cluster: Any, trial_module: Path) -> None:
    arguments = "20 0 0 1 hang 7"
    cluster.task_manager(trial_module, arguments, "--task-timeout", 0.3)
    job = cluster.job_manager(trial_module, arguments, "--status", "status.json")
    assert job.wait() == 5
    assert "task 7 failed 3 times" in cluster.status()["message"]
    assert "ran longer than 0.3 s" in cluster.status()["message"]


def test_a_task_that_runs_far_longer_than_the_others_is_named(
    cluster: Any, trial_module: Path, wait_until: Callable[..., None]
) -> None:
    arguments = "20 0 0 1 hang 7"
    manager = cluster.task_manager(trial_module, arguments)
    job = cluster.job_manager(trial_module, arguments)
    wait_until(lambda: "task 7 of run 1 has run for" in manager.text())
    time.sleep(0.6)
    assert manager.text().count("--task-timeout would end it") == 1, "said once"
    assert job.poll() is None, "without a limit it may still end"


def test_tiny_tasks_waiting_behind_one_that_crashes_are_not_blamed(cluster: Any, trial_module: Path) -> None:
    arguments = "2000 0 0 1 crash 1500"
    cluster.task_manager(trial_module, arguments)
    job = cluster.job_manager(trial_module, arguments, "--status", "status.json", "--on-poison", "skip")
    assert job.wait() == 0
    assert cluster.status()["tasks_quarantined"] == ["1/1500"]
    assert cluster.status()["tasks_committed"] == 1999


def test_tiny_tasks_waiting_behind_one_that_hangs_go_to_others(
    cluster: Any, trial_module: Path, wait_until: Callable[..., None]
) -> None:
    arguments = "3000 0 0 1 hang 1500"
    cluster.task_manager(trial_module, arguments, "--workers", 2)
    cluster.job_manager(trial_module, arguments, "--status", "status.json")
    wait_until(lambda: committed(cluster) == 2999)


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


def test_a_job_manager_that_is_killed_says_so(
    cluster: Any, trial_module: Path, wait_until: Callable[..., None]
) -> None:
    cluster.task_manager(trial_module, "80 30")
    job = cluster.job_manager(trial_module, "80 30", "--status", "status.json")
    wait_until(lambda: committed(cluster) > 0)
    os.kill(cluster.status()["pid"], signal.SIGKILL)
    assert job.wait() == -signal.SIGKILL, "nothing of the program is to blame"


def test_a_failing_spits_main_fails_the_job(cluster: Any, trial_module: Path) -> None:
    cluster.task_manager(trial_module, "3 0 0 1 main-fails")
    job = cluster.job_manager(trial_module, "3 0 0 1 main-fails")
    assert job.wait() == 5
    assert "spits_main returned 7" in job.text()


def test_an_idle_task_manager_helps_with_a_straggler(
    cluster: Any, trial_module: Path, expected: Callable[..., str], wait_until: Callable[..., None]
) -> None:
    straggler = cluster.task_manager(trial_module, "4 100")
    job = cluster.job_manager(trial_module, "4 100", "--heartbeat", 60, "--status", "status.json")
    wait_until(lambda: committed(cluster) > 0)
    straggler.freeze()
    cluster.task_manager(trial_module, "4 100")
    assert job.wait() == 0, "long before the heartbeat would have noticed"
    assert cluster.result() == expected(4)


def test_a_replica_that_is_not_needed_delays_neither_the_next_bag_nor_the_end(
    cluster: Any, trial_module: Path, expected: Callable[..., str]
) -> None:
    arguments = "6 50 0 2 once-hang 6"
    managers = [cluster.task_manager(trial_module, arguments) for _ in range(2)]
    cluster.announced(2)
    began = time.monotonic()
    assert cluster.job_manager(trial_module, arguments, "--heartbeat", 60).wait() == 0
    assert time.monotonic() - began < 8, "the first copy of the task would run for ever"
    assert cluster.result() == expected(6, runs=2)
    assert [manager.wait() for manager in managers] == [0, 0]
    assert "task 6 of run 1 is abandoned: its bag is over" in "".join(manager.text() for manager in managers)


def test_a_supervised_task_manager_comes_back(
    cluster: Any, trial_module: Path, expected: Callable[..., str], wait_until: Callable[..., None], free_port: int
) -> None:
    options = ("--supervise", "--port", free_port, "--status", "tm.json")
    manager = cluster.task_manager(trial_module, "60 20", *options)
    job = cluster.job_manager(trial_module, "60 20", "--status", "status.json")
    wait_until(lambda: committed(cluster) > 5)
    first = cluster.status("tm.json")["pid"]
    os.kill(first, signal.SIGKILL)
    assert job.wait() == 0
    assert cluster.result() == expected(60)
    assert manager.wait() == 0
    assert cluster.status("tm.json")["pid"] != first
