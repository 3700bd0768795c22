"""Whole jobs with nothing going wrong."""

from __future__ import annotations

import json
import re
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cloudpits.local.throttle import cpu_seconds
from tests.waiting import PATIENCE_S, until

PI_PYTHON = Path(__file__).parents[3] / "examples" / "pi_python" / "pi.py"


def test_every_task_is_committed_once(cluster: Any, trial_module: Path, expected: Callable[..., str]) -> None:
    arguments = "300 0 0 1 none 0 100"
    managers = [cluster.task_manager(trial_module, arguments) for _ in range(2)]
    job = cluster.job_manager(trial_module, arguments, "--status", "status.json")
    cluster.at_the_gate(100, managers=2)
    cluster.open_gate()
    assert job.wait() == 0
    assert cluster.result() == expected(300)
    assert [manager.wait() for manager in managers] == [0, 0], "task managers end with the job"
    assert cluster.nodes() == [], "and are no longer announced"


def test_status_tells_totals_and_nodes(cluster: Any, trial_module: Path) -> None:
    arguments = "40 20 0 1 none 0 5"
    cluster.task_manager(trial_module, arguments, "--status", "tm.json")
    job = cluster.job_manager(trial_module, arguments, "--status", "status.json")
    cluster.at_the_gate(5)
    until(lambda: cluster.status()["tasks_total"] == 40, lambda: str(cluster.status()))
    running = cluster.status()
    assert (running["state"], running["tasks_committed"]) == ("running", 5)
    assert [node["alive"] for node in running["nodes"].values()] == [True]
    assert cluster.status("tm.json")["workers"] == 1
    until(lambda: cluster.status("tm.json")["working"] is True)
    cluster.open_gate()
    assert job.wait() == 0
    done = cluster.status()
    assert (done["state"], done["tasks_committed"], done["tasks_quarantined"]) == ("completed", 40, [])


def test_several_runner_calls_in_one_program(cluster: Any, trial_module: Path, expected: Callable[..., str]) -> None:
    cluster.task_manager(trial_module, "20 0 0 3")
    job = cluster.job_manager(trial_module, "20 0 0 3", "--status", "status.json")
    assert job.wait() == 0
    assert cluster.result() == expected(20, runs=3)
    assert cluster.status()["tasks_committed"] == 60


def test_a_bag_without_tasks_ends_at_once(cluster: Any, trial_module: Path) -> None:
    assert cluster.job_manager(trial_module, "0").wait() == 0
    assert cluster.result() == ""


def test_an_abi_1_module_runs(cluster: Any, abi1_module: Path, expected: Callable[..., str]) -> None:
    cluster.task_manager(abi1_module, "25")
    assert cluster.job_manager(abi1_module, "25").wait() == 0
    assert cluster.result() == expected(25)


@pytest.mark.parametrize("managers", [1, 3])
def test_pi_is_the_same_whoever_computes_it(new_cluster: Callable[[str], Any], pi_module: Path, managers: int) -> None:
    results = []
    for name, count in (("alone", 1), ("spread", managers)):
        cluster = new_cluster(name)
        for _ in range(count):
            cluster.task_manager(pi_module, "2000 60")
        assert cluster.job_manager(pi_module, "2000 60").wait() == 0
        results.append(cluster.result())
    assert results[0] == results[1]
    assert results[0].splitlines()[-1].startswith("pi 3.1")


def test_a_python_program_needs_no_compiler(cluster: Any) -> None:
    cluster.task_manager(PI_PYTHON, "500 20", "--workers", 2)
    assert cluster.job_manager(PI_PYTHON, "500 20").wait() == 0
    assert len(cluster.result().splitlines()) == 21


def test_task_managers_may_stay_for_the_next_job_manager(
    cluster: Any, trial_module: Path, expected: Callable[..., str]
) -> None:
    manager = cluster.task_manager(trial_module, "10")
    for _ in range(2):
        assert cluster.job_manager(trial_module, "10", "--keep-task-managers").wait() == 0
        assert cluster.result() == expected(10)
    assert manager.poll() is None


def test_nodes_of_another_job_get_no_task(cluster: Any, trial_module: Path, expected: Callable[..., str]) -> None:
    stranger = cluster.task_manager(trial_module, "10", "--job", "another", "--status", "stranger.json")
    cluster.announced(1)
    job = cluster.job_manager(trial_module, "10")
    cluster.task_manager(trial_module, "10")
    assert job.wait() == 0
    assert cluster.result() == expected(10)
    assert stranger.poll() is None
    assert cluster.status("stranger.json")["tasks_completed"] == 0


def test_both_ends_prove_the_shared_secret(cluster: Any, trial_module: Path, expected: Callable[..., str]) -> None:
    (cluster.folder / "secret").write_text("open sesame\n", encoding="utf-8")
    cluster.task_manager(trial_module, "10", "--secret-file", "secret")
    assert cluster.job_manager(trial_module, "10", "--secret-file", "secret").wait() == 0
    assert cluster.result() == expected(10)


def test_without_the_secret_no_task_is_taken(cluster: Any, trial_module: Path) -> None:
    (cluster.folder / "secret").write_text("open sesame\n", encoding="utf-8")
    (cluster.folder / "wrong").write_text("open barley\n", encoding="utf-8")
    guarded = cluster.task_manager(trial_module, "10", "--secret-file", "secret", "--status", "tm.json")
    cluster.announced(1)
    outsiders = [
        cluster.job_manager(trial_module, "10"),
        cluster.job_manager(trial_module, "10", "--secret-file", "wrong"),
    ]
    until(lambda: "secret" in guarded.text(), guarded.text)
    assert [job.poll() for job in outsiders] == [None, None]
    assert cluster.status("tm.json")["in_hand"] == 0


def test_large_tasks_and_results_pass(cluster: Any, trial_module: Path, expected: Callable[..., str]) -> None:
    arguments = f"12 0 {3 << 20}"
    cluster.task_manager(trial_module, arguments, "--workers", 2)
    assert cluster.job_manager(trial_module, arguments, "--journal", "journal").wait() == 0
    assert cluster.result() == expected(12)


def test_count_is_a_dry_run(cluster: Any, pi_module: Path) -> None:
    command = Path(sys.executable).parent / "spits-count"
    answer = subprocess.run(
        [command, "--json", pi_module, "1000", "123"], capture_output=True, text=True, check=True, timeout=PATIENCE_S
    )
    assert json.loads(answer.stdout) == {"tasks": 123}


def ask_metrics(address: tuple[str, int], job: str | None) -> dict[str, Any]:
    """The metrics message, spoken by hand; a job manager's port knows no job id."""
    hello = b"" if job is None else struct.pack(">I", len(job)) + job.encode()
    with socket.create_connection(address, timeout=PATIENCE_S) as connection:
        connection.sendall(hello + struct.pack(">q", 0x0401))
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    document: dict[str, Any] = json.loads(answer[len(hello) + 4 :])
    return document


def test_metrics_of_runtime_and_program_can_be_asked_for(cluster: Any, trial_module: Path, free_port: int) -> None:
    arguments = "60 30 0 1 none 0 13"
    cluster.task_manager(trial_module, arguments)
    cluster.job_manager(trial_module, arguments, "--port", free_port, "--status", "status.json")
    cluster.at_the_gate(13)
    of_task_manager = ask_metrics(cluster.nodes()[0], "trial")
    processed = of_task_manager["tasks_processed"]["values"]
    assert [value["value"] for value in processed] == list(range(processed[0]["value"], processed[0]["value"] + 10))
    assert all(value["value"] >= 0.03 for value in of_task_manager["task_time"]["values"])
    assert of_task_manager["greeting"]["values"][0]["value"] == "hello"
    assert (of_task_manager["raw"]["type"], of_task_manager["raw"]["values"][0]["value"]) == ("bytes", "0102")
    of_job_manager = ask_metrics(("127.0.0.1", free_port), None)
    names = {"tasks_generated", "tasks_sent", "tasks_commited", "results_error", "results_discarded"}
    assert names | {"jm_start_time", "co_start_time"} <= of_job_manager.keys()
    assert of_job_manager["tasks_commited"]["values"][-1]["value"] > 12


def wake_ups(pid: int) -> int:
    """How often the threads of a process have waited so far."""
    statuses = [path.read_text(encoding="utf-8") for path in Path(f"/proc/{pid}/task").glob("*/status")]
    return sum(int(re.findall(r"^voluntary_ctxt_switches:\t(\d+)$", text, re.MULTILINE)[0]) for text in statuses)


def threads(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


@contextmanager
def idle_process() -> Iterator[int]:
    """A process that waits for a signal only: what wakes it, such as being stopped and continued, wakes others, too."""
    with subprocess.Popen([sys.executable, "-c", "import signal; print(flush=True); signal.pause()"],
                          stdout=subprocess.PIPE) as process:  # fmt: skip
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.kill()


def test_waiting_costs_next_to_nothing(cluster: Any, trial_module: Path) -> None:
    manager = cluster.task_manager(trial_module, "3 0 0 1 hang 1", "--status", "tm.json")
    cluster.job_manager(trial_module, "3 0 0 1 hang 1", "--status", "status.json")
    until(lambda: any(node["in_flight"] for node in cluster.status().get("nodes", {}).values()))
    cluster.rewritten("status.json", 2)

    rounds, pids = 4, [cluster.status()["pid"], manager.pid]  # each writes its status once in half a second's round
    with idle_process() as idle:
        disturbed, before = wake_ups(idle), [(wake_ups(pid), cpu_seconds(pid)) for pid in pids]
        cluster.rewritten("status.json", rounds)
        disturbed = wake_ups(idle) - disturbed
        for pid, (woken, used) in zip(pids, before, strict=True):
            allowed = rounds * 50 + threads(pid) * disturbed
            assert wake_ups(pid) - woken < allowed, "nothing is polled in short intervals"
            assert cpu_seconds(pid) - used < rounds * 0.05, "nothing spins"
