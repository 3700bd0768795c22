"""The first experiment from nothing to its result: real stacks, functions, database, agents and tasks."""

from __future__ import annotations

import contextlib
import json
import lzma
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cloudpits.cli.local_reports import read_report
from cloudpits.local.stage import RUNS
from cloudpits.local.warden import marked
from tests.waiting import PATIENCE_S, until

REPOSITORY = Path(__file__).parents[2]
EXPERIMENT = "examples/experiments/pi.toml"
RECORDED = REPOSITORY / "examples" / "data" / "us-east-1_2021-03_linux.tsv.xz"
RISE = "2021-03-10T12:40:00.000Z"  # 40 real seconds after the market's opening

# Only one embedded cloud at a time: two would share the cores that each counts on.
pytestmark = [pytest.mark.xdist_group("embedded-cloud"), pytest.mark.timeout(900)]


def command(*options: str) -> list[str]:
    return [str(Path(sys.executable).with_name("cloudpits")), "run", EXPERIMENT, "--local", *options]


@pytest.fixture(scope="module")
def prices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recorded prices of the two zones, except that c5n.large costs nearly as much as on demand from RISE on.

    Most workers are of that type when the run begins. To replace them pays from then on, however fast or slow this
    machine makes the types in fact, and by then half of the work is left on the fastest machine.
    """
    header, *rows = lzma.decompress(RECORDED.read_bytes()).decode().splitlines()
    kept = [
        row
        for row in rows
        if ("\tus-east-1a\t" in row or "\tus-east-1b\t" in row) and not ("\tc5n.large\t" in row and row > RISE)
    ]
    risen = [f"{RISE}\tus-east-1\tus-east-1{zone}\tc5n.large\tLinux/UNIX\t0.100000" for zone in "ab"]
    path = tmp_path_factory.mktemp("prices") / "prices.tsv"
    path.write_text("\n".join([header, *kept, *risen, ""]), encoding="utf-8")
    return path


def mark(run: str) -> str:
    """What all processes of the embedded cloud of a run carry."""
    return str(REPOSITORY / RUNS / run)


@pytest.fixture(scope="module")
def document(prices: Path) -> dict[str, Any]:
    """What ``run --local --json`` prints, and nothing else is on its standard output."""
    done = subprocess.run(
        command("--json", "--seed", "1", "--prices", str(prices)),
        cwd=REPOSITORY, capture_output=True, encoding="utf-8", check=False, timeout=840,
    )  # fmt: skip
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
    result = (Path(document["output_dir"]) / "result.txt").read_text(encoding="utf-8").splitlines()
    assert float(result[-1].split()[-1]) == pytest.approx(3.14159, abs=1e-3)


def test_nothing_is_left_running(document: dict[str, Any]) -> None:
    assert document["running_instances_left"] == 0
    assert list(marked(mark(document["run"]))) == []


def test_results_are_what_is_kept(document: dict[str, Any]) -> None:
    folder = Path(document["output_dir"]).parent

    assert sorted(path.name for path in folder.iterdir()) == ["output", "report.json"]
    assert read_report(str(folder))["run"] == document["run"]


def synthesising(mark: str) -> bool:
    """Whether one of the marked processes is the CDK application."""
    for pid in marked(mark):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if b"app.py" in Path(f"/proc/{pid}/cmdline").read_bytes():
                return True
    return False


def test_a_run_that_is_interrupted_leaves_no_process() -> None:
    run = subprocess.Popen(
        command(), cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, encoding="utf-8"
    )
    assert run.stderr is not None
    name = run.stderr.readline().partition("embedded cloud ")[2].partition(":")[0]
    assert name, "the first line names the run"
    # In the midst of the synthesis, with database and emulator running.
    until(lambda: synthesising(mark(name)) or run.poll() is not None)
    assert run.poll() is None, "it ended before it was interrupted"
    assert len(list(marked(mark(name)))) >= 3

    os.kill(run.pid, signal.SIGINT)

    assert run.wait(PATIENCE_S) != 0
    assert list(marked(mark(name))) == []
