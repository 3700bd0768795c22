"""What spot instances do to task managers, and what ours do about it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cloudpits.spits.journal import RESULT, Journal
from tests.waiting import until

# Ten tasks of 20 ms; the others wait for the test to open the gate, so that there is always work under way.
GATED = "200 20 0 1 none 0 10"
NEVER_S = 3600  # a heartbeat that notices nobody's death before the test gives up


def records(cluster: Any, arguments: str) -> Any:
    """Task ids in the journal, in order."""
    journal = Journal(cluster.folder / "journal", "trial", arguments.split())
    ids = [record.task_id for record in journal.replay(1) if record.kind == RESULT]
    journal.close()
    return ids


def test_tasks_of_a_killed_task_manager_go_to_others_at_once(
    cluster: Any, trial_module: Path, expected: Callable[..., str]
) -> None:
    first, _ = (cluster.task_manager(trial_module, GATED) for _ in range(2))
    job = cluster.job_manager(trial_module, GATED, "--heartbeat", NEVER_S, "--status", "status.json")
    cluster.at_the_gate(10, managers=2)
    first.kill()
    cluster.open_gate()
    assert job.wait() == 0
    assert cluster.result() == expected(200)
    assert "go to others" in job.text()


def test_a_frozen_task_manager_stalls_nobody(cluster: Any, trial_module: Path, expected: Callable[..., str]) -> None:
    frozen, _ = (cluster.task_manager(trial_module, GATED) for _ in range(2))
    job = cluster.job_manager(trial_module, GATED, "--heartbeat", NEVER_S, "--status", "status.json")
    cluster.at_the_gate(10, managers=2)
    frozen.freeze()
    cluster.open_gate()
    assert job.wait() == 0, "no timeout was waited for: each lasts as long as the heartbeat"
    assert cluster.result() == expected(200)


def test_a_frozen_task_manager_is_taken_for_dead(
    cluster: Any, trial_module: Path, expected: Callable[..., str]
) -> None:
    frozen, _ = (cluster.task_manager(trial_module, GATED) for _ in range(2))
    job = cluster.job_manager(trial_module, GATED, "--heartbeat", 1, "--status", "status.json")
    cluster.at_the_gate(10, managers=2)
    frozen.freeze()
    until(lambda: "go to others" in job.text(), job.text)
    cluster.open_gate()
    assert job.wait() == 0
    assert cluster.result() == expected(200)


def test_a_thawed_task_manager_works_on(cluster: Any, trial_module: Path, expected: Callable[..., str]) -> None:
    manager = cluster.task_manager(trial_module, GATED)
    job = cluster.job_manager(trial_module, GATED, "--heartbeat", 1, "--status", "status.json")
    cluster.at_the_gate(10)
    manager.freeze()
    until(lambda: "is gone" in job.text(), job.text)
    cluster.open_gate()
    manager.thaw()
    assert job.wait() == 0
    assert cluster.result() == expected(200)


def test_slicing_a_task_manager_by_stop_and_continue_is_harmless(
    cluster: Any, trial_module: Path, expected: Callable[..., str]
) -> None:
    manager = cluster.task_manager(trial_module, "100 5")
    job = cluster.job_manager(trial_module, "100 5")
    while job.poll() is None:
        manager.signal_all(signal.SIGSTOP)
        time.sleep(0.06)  # the fault itself: slices of this length
        manager.signal_all(signal.SIGCONT)
        time.sleep(0.06)
    assert job.code == 0
    assert cluster.result() == expected(100)
    assert "is gone" not in job.text()


def test_a_listed_node_nobody_answers_at_costs_nothing(
    cluster: Any, trial_module: Path, expected: Callable[..., str]
) -> None:
    (cluster.folder / "nodes.txt").write_text("node 127.0.0.1:1\nnode 192.0.2.1:7727\nnonsense\n", encoding="utf-8")
    cluster.task_manager(trial_module, "100 5")
    assert cluster.job_manager(trial_module, "100 5", "--heartbeat", NEVER_S).wait() == 0, (
        "no connection was waited for"
    )
    assert cluster.result() == expected(100)


def test_a_drained_task_manager_loses_nothing_and_leaves(
    cluster: Any, trial_module: Path, expected: Callable[..., str]
) -> None:
    leaving = cluster.task_manager(trial_module, GATED, "--workers", 2, "--status", "tm.json")
    job = cluster.job_manager(trial_module, GATED, "--status", "status.json", "--journal", "journal")
    cluster.at_the_gate(10)
    (address,) = cluster.nodes()
    cluster.task_manager(trial_module, GATED)
    cluster.announced(2)
    leaving.signal(signal.SIGTERM)
    cluster.open_gate()
    assert leaving.wait() == 0
    assert cluster.status("tm.json")["in_hand"] == 0, "all it had was finished and read, or handed back"
    assert address not in cluster.nodes()
    assert job.wait() == 0
    assert cluster.result() == expected(200)


def test_a_drain_ends_with_its_grace(cluster: Any, trial_module: Path) -> None:
    manager = cluster.task_manager(trial_module, "3 0 0 1 hang 1", "--grace", 0.5, "--status", "tm.json")
    cluster.job_manager(trial_module, "3 0 0 1 hang 1", "--status", "status.json")
    until(lambda: cluster.status("tm.json").get("in_hand"))
    manager.signal(signal.SIGTERM)
    assert manager.wait(patience_s=100) == 0, "the usual grace is longer"
    assert "grace is over" in manager.text()


def test_a_killed_job_manager_resumes_from_its_journal(
    cluster: Any, trial_module: Path, expected: Callable[..., str]
) -> None:
    cluster.task_manager(trial_module, GATED)
    job = cluster.job_manager(trial_module, GATED, "--status", "status.json", "--journal", "journal")
    cluster.at_the_gate(10)
    first = cluster.status()["pid"]
    job.kill()
    assert len(records(cluster, GATED)) == 10
    job = cluster.job_manager(trial_module, GATED, "--status", "status.json", "--journal", "journal")
    until(lambda: cluster.status().get("pid") not in {None, first} and cluster.committed() == 10)
    cluster.open_gate()
    assert job.wait() == 0
    assert cluster.result() == expected(200)
    assert sorted(records(cluster, GATED)) == list(range(1, 201)), "no result was committed twice"


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


def test_a_job_manager_that_is_killed_says_so(cluster: Any, trial_module: Path) -> None:
    cluster.task_manager(trial_module, GATED)
    job = cluster.job_manager(trial_module, GATED, "--status", "status.json")
    cluster.at_the_gate(10)
    os.kill(cluster.status()["pid"], signal.SIGKILL)
    assert job.wait() == -signal.SIGKILL, "nothing of the program is to blame"


def test_an_idle_task_manager_helps_with_a_straggler(
    cluster: Any, trial_module: Path, expected: Callable[..., str]
) -> None:
    arguments = "4 100 0 1 none 0 1"
    straggler = cluster.task_manager(trial_module, arguments)
    job = cluster.job_manager(trial_module, arguments, "--heartbeat", NEVER_S, "--status", "status.json")
    cluster.at_the_gate(1)
    straggler.freeze()
    cluster.task_manager(trial_module, arguments)
    cluster.open_gate()
    assert job.wait() == 0, "the heartbeat would not have noticed"
    assert cluster.result() == expected(4)


def test_a_replica_that_is_not_needed_delays_neither_the_next_bag_nor_the_end(
    cluster: Any, trial_module: Path, expected: Callable[..., str]
) -> None:
    arguments = "6 50 0 2 once-hang 6"
    managers = [cluster.task_manager(trial_module, arguments) for _ in range(2)]
    cluster.announced(2)
    job = cluster.job_manager(trial_module, arguments, "--heartbeat", NEVER_S)
    assert job.wait() == 0, "the first copy of the task would run for ever"
    assert cluster.result() == expected(6, runs=2)
    assert [manager.wait() for manager in managers] == [0, 0]
    assert "task 6 of run 1 is abandoned: its bag is over" in "".join(manager.text() for manager in managers)


def test_a_supervised_task_manager_comes_back(
    cluster: Any, trial_module: Path, expected: Callable[..., str], free_port: int
) -> None:
    options = ("--supervise", "--port", free_port, "--status", "tm.json")
    manager = cluster.task_manager(trial_module, GATED, *options)
    job = cluster.job_manager(trial_module, GATED, "--heartbeat", 4, "--status", "status.json")
    cluster.at_the_gate(10)
    first = cluster.status("tm.json")["pid"]
    os.kill(first, signal.SIGKILL)
    cluster.open_gate()
    assert job.wait() == 0
    assert cluster.result() == expected(200)
    assert manager.wait() == 0
    assert cluster.status("tm.json")["pid"] != first
