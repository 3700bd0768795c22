"""HTML reports: self-contained, escaped, and alive in a real browser."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest

from cloudpits.config.experiment import Experiment
from cloudpits.domain.errors import InvalidInputError
from cloudpits.reporting.html import KINDS, write_report
from cloudpits.reporting.page import axis, mark_limits
from cloudpits.simulation.compare import compare
from cloudpits.simulation.simulate import simulate
from tests.waiting import PATIENCE_S

POOL = {"instance_type": "c5.large", "availability_zone": "us-east-1a", "market": "spot", "count": 3}
PLAN: dict[str, Any] = {
    "feasible": True,
    "mode": "min-cost",
    "tasks_total": 1000,
    "budget_usd": 2.0,
    "deadline_hours": 3.0,
    "front": [
        {"makespan_s": 3600.0, "cost_usd": 1.5, "pool": [POOL]},
        {"makespan_s": 7200.0, "cost_usd": 1.0, "pool": [{**POOL, "count": 1}]},
    ],
    "chosen": {"makespan_s": 7200.0, "cost_usd": 1.0, "pool": [{**POOL, "count": 1}]},
    "reasons": ["the cheapest within <3 h>"],
}
INSTANCE = {"availability_zone": "us-east-1a", "cost_usd": 0.2, "launched_at": 100.0, "ended_at": 4000.0}
WORKER = {**INSTANCE, "market": "spot"}
LAUNCH = {
    "at": 95.0,
    "command": "launch",
    "reason": "cheapest <b>pool</b>",
    "expected_saving_usd": 0.0,
    "pool": "c5.large us-east-1a spot",
    "count": 2,
    "instance_id": None,
    "outcome": "launched i-0a",
}
REPLACE = {
    **LAUNCH,
    "at": 700.0,
    "command": "replace",
    "reason": "saves 0.12 USD",
    "expected_saving_usd": 0.12,
    "instance_id": "i-0a",
}
RUN: dict[str, Any] = {
    "experiment": "pi",
    "run": "pi-12345678",
    "status": "completed",
    "message": "",
    "started_at": 90.0,
    "tasks_total": 400,
    "tasks_committed": 400,
    "budget_usd": 2.0,
    "spent_usd": 0.75,
    "makespan_s": 4000.0,
    "interruptions": 1,
    "replacements": 1,
    "launch_failures": 0,
    "workers": [
        {**WORKER, "instance_id": "i-0a", "instance_type": "c5.large", "tasks": 150, "ended_because": "interrupted"},
        {**WORKER, "instance_id": "i-0b", "instance_type": "m5.large", "tasks": 250, "ended_because": "drained"},
    ],
    "job_managers": [{**INSTANCE, "instance_id": "i-0c", "instance_type": "c5.large", "ended_because": "completed"}],
    "decisions": [LAUNCH, REPLACE],
    "output_dir": None,
}


@pytest.fixture
def document(ep: Callable[..., Experiment], files: tuple[Path, Path], kind: str) -> dict[str, Any]:
    """The document of one kind; simulated ones come from the simulator itself."""
    if kind == "simulation":
        return simulate(
            ep(), files[0], budgets=[0.1, 1.0, 3.0], runs=2, policy="static-best", performance=files[1], jobs=1
        )
    if kind == "comparison":
        policies = ["static-best", "cheapest-on-demand", "lowest-price"]
        return compare(ep(), files[0], policies=policies, runs=2, performance=files[1], regime="stock-out", jobs=1)
    return {"plan": PLAN, "run": RUN}[kind]


def rendered_by_chromium(page: Path) -> str:
    """The page after its scripts ran."""
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("needs Chromium (apt install chromium)")
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    command += [
        "--virtual-time-budget=10000",
        f"--user-data-dir={page.parent / 'profile'}",
        "--dump-dom",
        page.as_uri(),
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=True).stdout


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_needs_no_network(kind: str, document: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_report(kind, document, path)
    html = path.read_text(encoding="utf-8")
    assert html.startswith("<!doctype html>")
    assert not re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=[\"']?http", html)
    assert html.count("Plotly.newPlot(") >= 1


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_draws_its_figures_in_a_real_browser(kind: str, document: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_report(kind, document, path)
    dom = rendered_by_chromium(path)
    figures = path.read_text(encoding="utf-8").count('class="plotly-graph-div"')
    assert figures >= 1
    assert len(re.findall(r'class="main-svg"', dom)) >= figures
    assert re.search(r'class="(?:trace|points|barlayer)', dom)


def test_a_front_over_more_than_a_decade_is_drawn_on_logarithmic_axes(tmp_path: Path) -> None:
    dear = {**PLAN["front"][0], "cost_usd": 260.0}
    write_report("plan", {**PLAN, "front": [dear, PLAN["front"][1]]}, tmp_path / "plan.html")
    html = (tmp_path / "plan.html").read_text(encoding="utf-8")
    assert re.search(r'"yaxis":\{[^}]*\{[^}]*\}[^}]*"type":"log"', html)
    assert not re.search(r'"xaxis":\{[^}]*\{[^}]*\}[^}]*"type":"log"', html)


def test_limits_are_marked_where_they_are_on_either_kind_of_axis() -> None:
    figure = go.Figure(layout={"xaxis": axis("hours", [1.0, 2.0]), "yaxis": axis("USD", [1.0, 1000.0])})
    mark_limits(figure, budgets=[100.0], deadlines=[1.5])
    assert [(note.text, note.y if note.text == "budget" else note.x) for note in figure.layout.annotations] == [
        ("budget", 2.0),
        ("deadline", 1.5),
    ]
    assert [(line.y0, line.x0) for line in figure.layout.shapes] == [(100.0, 0), (0, 1.5)]


@pytest.mark.parametrize("kind", ["simulation"])
def test_a_simulation_shows_time_against_cost_and_why_limits_were_refused(
    document: dict[str, Any], kind: str, tmp_path: Path
) -> None:
    refused = {**document["by_limit"][0], "completed_share": 0.0, "refused": ["too <little> money"]}
    write_report(kind, {**document, "by_limit": [refused, *document["by_limit"][1:]]}, tmp_path / "s.html")
    html = (tmp_path / "s.html").read_text(encoding="utf-8")
    assert "<h2>Time against cost</h2>" in html
    assert "too &lt;little&gt; money" in html


@pytest.mark.parametrize("kind", ["simulation"])
def test_a_simulation_without_any_worker_says_so_instead_of_drawing_nothing(
    document: dict[str, Any], kind: str, tmp_path: Path
) -> None:
    rows = [{**row, "completed_share": 0.0} for row in document["by_limit"]]
    idle = [{**point, "workers": {}} for point in document["sample_run"]["fleet"]]
    nothing = {**document, "by_limit": rows, "sample_run": {**document["sample_run"], "fleet": idle}}
    write_report(kind, nothing, tmp_path / "s.html")
    html = (tmp_path / "s.html").read_text(encoding="utf-8")
    assert "Under none of these limits did most runs complete." in html
    assert "No worker was launched." in html


def test_text_from_outside_is_escaped(tmp_path: Path) -> None:
    write_report("run", RUN, tmp_path / "run.html")
    html = (tmp_path / "run.html").read_text(encoding="utf-8")
    assert "cheapest &lt;b&gt;pool&lt;/b&gt;" in html
    assert "cheapest <b>pool</b>" not in html


def test_a_run_shows_decisions_with_reasons_and_savings(tmp_path: Path) -> None:
    write_report("run", RUN, tmp_path / "run.html")
    html = (tmp_path / "run.html").read_text(encoding="utf-8")
    assert "saves 0.12 USD" in html
    assert "$0.1200" in html
    assert "400 of 400" in html


def test_a_run_that_never_launched_has_a_report_too(tmp_path: Path) -> None:
    nothing = dict.fromkeys(("makespan_s", "started_at", "budget_usd"))
    empty = {**RUN, "workers": [], "job_managers": [], "decisions": [], **nothing}
    write_report("run", empty, tmp_path / "run.html")
    assert "completed" in (tmp_path / "run.html").read_text(encoding="utf-8")


def test_an_infeasible_plan_has_a_report_too(tmp_path: Path) -> None:
    infeasible = {**PLAN, "feasible": False, "chosen": None, "budget_usd": None, "deadline_hours": None}
    write_report("plan", infeasible, tmp_path / "plan.html")
    assert "feasible" in (tmp_path / "plan.html").read_text(encoding="utf-8")


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"--report: .*nowhere/x\.html cannot be written"):
        write_report("plan", PLAN, tmp_path / "nowhere" / "x.html")
