"""What ``simulate`` and ``compare`` show to people on a terminal of 80 characters."""

from __future__ import annotations

from typing import Any

import pytest
from rich.console import Console

from cloudpits.cli import simulating

FIGURES = {"mean": 0.25, "p50": 0.25, "p95": 123.456, "max": 200.0}
ROW = {
    "cost_usd": FIGURES,
    "makespan_s": {"p50": 3000.0},
    "completed_share": 1.0,
    "budget_violations": 0,
    "deadline_misses": 0,
    "replacements": 12.5,
    "refused": ["no deadline was given"],
}
NOTE = "2 types without a measured rate left out: c5.metal, m5.metal"


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulating, "console", Console(stderr=True, width=80, highlight=False))


def test_names_and_figures_of_policies_are_whole(capsys: pytest.CaptureFixture[str]) -> None:
    row: dict[str, Any] = {**ROW, "policy": "cheapest-on-demand", "regret": {"p50": 1.096}}
    simulating._show_comparison({"runs": 3, "offline_optimum_usd": FIGURES, "notes": [NOTE], "policies": [row]})
    told = capsys.readouterr().err
    for text in ("cheapest-on-demand", "0.2500 … 123.46", "50 min 00 s", "100%", "12.5", "109.6%"):
        assert text in told
    assert "…" not in told.replace(" … ", "")


def test_what_the_figures_rest_on_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    rows: list[dict[str, Any]] = [{**ROW, "budget_usd": usd, "deadline_hours": 2.0} for usd in (1.0, 2.0)]
    simulating._show_simulation({"policy": "mpc", "runs": 3, "seed": 0, "notes": [NOTE], "by_limit": rows})
    told = capsys.readouterr().err
    assert told.count(NOTE) == 1
    assert told.count("no deadline was given") == 1
