"""The first experiment from nothing to its result: real stacks, functions, database, agents and tasks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from cloudpits.cli.local_reports import read_report
from cloudpits.local.warden import marked

REPOSITORY = Path(__file__).parents[2]
EXPERIMENT = "examples/experiments/pi.toml"

# Only one embedded cloud at a time: two would share the cores that each counts on.
pytestmark = [pytest.mark.xdist_group("embedded-cloud"), pytest.mark.timeout(900)]


def command(*options: str) -> list[str]:
    return [str(Path(sys.executable).with_name("cloudpits")), "run", EXPERIMENT, "--local", *options]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """What ``run --local --json`` prints, and nothing else is on its standard output."""
    done = subprocess.run(
        command("--json", "--seed", "1"), cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=840
    )
    assert done.returncode == 0, done.stderr
    parsed: dict[str, Any] = json.loads(done.stdout)
    return parsed


def test_every_task_is_committed(document: dict[str, Any]) -> None:
    assert document["status"] == "completed"
    assert document["tasks_committed"] == document["tasks_total"] == 1200


def test_the_budget_is_kept(document: dict[str, Any]) -> None:
    assert 0 < document["spent_usd"] <= document["budget_usd"]


def test_the_costs_of_the_instances_make_up_what_was_spent(document: dict[str, Any]) -> None:
    instances = [*document["workers"], *document["job_managers"]]

    assert sum(instance["cost_usd"] for instance in instances) == pytest.approx(document["spent_usd"], rel=0.01)


def test_an_interruption_and_a_replacement_were_survived(document: dict[str, Any]) -> None:
    assert document["interruptions"] >= 1
    assert document["replacements"] >= 1
    assert {"launch", "drain"} <= {decision["command"] for decision in document["decisions"]}


def test_every_decision_has_its_reason(document: dict[str, Any]) -> None:
    assert all(decision["reason"] for decision in document["decisions"])


def test_workers_did_the_tasks(document: dict[str, Any]) -> None:
    # counted from last reports, which a lost worker cannot send
    done = sum(worker["tasks"] for worker in document["workers"])
    assert 0.9 * document["tasks_total"] <= done <= document["tasks_total"]
    assert len({worker["instance_type"] for worker in document["workers"]}) > 1


def test_the_result_is_that_of_a_single_process(document: dict[str, Any]) -> None:
    assert document["differs_from_single_process"] == []
    result = (Path(document["output_dir"]) / "result.txt").read_text().splitlines()
    assert float(result[-1].split()[-1]) == pytest.approx(3.14159, abs=1e-3)


def test_nothing_is_left_running(document: dict[str, Any]) -> None:
    assert document["running_instances_left"] == 0
    assert list(marked(document["run"])) == []


def test_results_are_what_is_kept(document: dict[str, Any]) -> None:
    folder = Path(document["output_dir"]).parent

    assert sorted(path.name for path in folder.iterdir()) == ["output", "report.json"]
    assert read_report(str(folder))["run"] == document["run"]


def test_a_run_that_is_interrupted_leaves_no_process() -> None:
    run = subprocess.Popen(command(), cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert run.stderr is not None
    while "synthesising" not in (line := run.stderr.readline()):
        name = line.partition("embedded cloud ")[2].partition(":")[0] or None
        assert run.poll() is None, "it ended before it was interrupted"
        if name:
            mark = name
    time.sleep(3)  # in the midst of the synthesis, with database and emulator running
    assert len(list(marked(mark))) >= 2

    os.kill(run.pid, signal.SIGINT)

    assert run.wait(60) != 0
    assert list(marked(mark)) == []
