"""Compatible in both directions: an independent peer that behaves as the reference runtime, on the same modules."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import PATIENCE_S, listening, until

PEER = Path(__file__).parent / "reference_peer.py"


@pytest.fixture
def peer(cluster: Any) -> Any:
    started = []

    def start(*arguments: Any) -> Any:
        command = [sys.executable, PEER, *(str(argument) for argument in arguments)]
        started.append(subprocess.Popen(command, cwd=cluster.folder, start_new_session=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_our_job_manager_with_reference_task_managers(
    cluster: Any,
    peer: Any,
    trial_module: Path,
    expected: Callable[..., str],
    free_port: int,
) -> None:
    manager = peer("tm", "trial", free_port, 2, trial_module, "20", "5", "0", "2")
    (cluster.folder / "nodes.txt").write_text(f"node 127.0.0.1:{free_port}\n", encoding="utf-8")
    until(lambda: listening(free_port))
    job = cluster.job_manager(trial_module, "20 5 0 2")
    assert job.wait() == 0
    assert cluster.result() == expected(20, runs=2)
    assert manager.wait(PATIENCE_S) == 0, "it was told to terminate"
    assert "(reference)" in job.text()


def test_a_reference_task_manager_busy_with_one_conversation_is_not_taken_for_dead(
    cluster: Any,
    peer: Any,
    trial_module: Path,
    expected: Callable[..., str],
    free_port: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REFERENCE_PEER_IGNORES", "2")  # a request for results, then a heartbeat
    peer("tm", "trial", free_port, 1, trial_module, "60")
    (cluster.folder / "nodes.txt").write_text(f"node 127.0.0.1:{free_port}\n", encoding="utf-8")
    until(lambda: listening(free_port))
    job = cluster.job_manager(trial_module, "60", "--heartbeat", 3)
    assert job.wait() == 0
    assert cluster.result() == expected(60)
    assert "is gone" not in job.text()


def test_our_task_managers_with_the_reference_job_manager(
    cluster: Any, peer: Any, trial_module: Path, expected: Callable[..., str]
) -> None:
    managers = [cluster.task_manager(trial_module, "20 5 0 2", "--workers", 2) for _ in range(2)]
    cluster.announced(2)
    nodes = ",".join(f"{host}:{port}" for host, port in cluster.nodes())
    job = peer("jm", "trial", nodes, trial_module, "20", "5", "0", "2")
    assert job.wait(PATIENCE_S) == 0
    assert cluster.result() == expected(20, runs=2)
    assert [manager.wait() for manager in managers] == [0, 0]


def test_both_kinds_of_task_managers_in_one_job(
    cluster: Any, peer: Any, trial_module: Path, expected: Callable[..., str], free_port: int
) -> None:
    arguments = "60 0 0 1 none 0 10"
    peer("tm", "trial", free_port, 1, trial_module, *arguments.split())
    (cluster.folder / "nodes.txt").write_text(f"node 127.0.0.1:{free_port}\n", encoding="utf-8")
    cluster.task_manager(trial_module, arguments)
    job = cluster.job_manager(trial_module, arguments, "--status", "status.json")
    cluster.at_the_gate(10, managers=2)
    cluster.open_gate()
    assert job.wait() == 0
    assert cluster.result() == expected(60)
    assert "(reference)" in job.text()
    assert "(CloudPITS)" in job.text()


def test_a_crashing_task_is_never_a_result_for_the_reference_job_manager(
    cluster: Any, peer: Any, trial_module: Path
) -> None:
    arguments = "20 0 0 1 once-crash 7"
    manager = cluster.task_manager(trial_module, arguments)
    cluster.announced(1)
    host, port = cluster.nodes()[0]
    job = peer("jm", "trial", f"{host}:{port}", trial_module, *arguments.split())

    def rounds(left: int) -> int:
        """How often it has asked for results and then lacked so many."""
        log = cluster.folder / "left.log"
        return log.read_text(encoding="utf-8").splitlines().count(str(left)) if log.exists() else 0

    until(lambda: "task 7 of run 1 failed" in manager.text(), manager.text)
    until(lambda: rounds(left=1) >= 20)
    assert job.poll() is None
    assert not (cluster.folder / "result.txt").exists(), "it waits for the task, as it would with its own task manager"
