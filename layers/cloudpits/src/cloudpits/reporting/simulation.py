"""The what-if as a picture: spend and makespan per limit with bands, and one run in detail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from cloudpits.domain.model import SECONDS_PER_HOUR
from cloudpits.reporting.page import Document, Section, chart, hours, money, page, share, table
from cloudpits.reporting.story import decision_table, fleet_chart, spend_chart


def limit_name(row: Mapping[str, Any]) -> str:
    """A limit for people: budget, deadline or both."""
    budget, deadline = row["budget_usd"], row["deadline_hours"]
    parts = ([f"${budget:g}"] if budget is not None else []) + ([f"{deadline:g} h"] if deadline is not None else [])
    return ", ".join(parts)


def _bands(title: str, note: str, rows: Sequence[Document], key: str, scale: float, unit: str) -> Section:
    """Median with a bar from median to 95th percentile, and the maximum, for each limit."""
    names = [limit_name(row) for row in rows]
    figures = [row[key] for row in rows]
    median = [figure["p50"] / scale for figure in figures]
    above = [(figure["p95"] - figure["p50"]) / scale for figure in figures]
    figure = go.Figure(
        go.Bar(
            x=names,
            y=median,
            name="median; line up to the 95th percentile",
            error_y={"type": "data", "array": above, "symmetric": False, "arrayminus": [0.0] * len(above)},
        )
    )
    figure.add_scatter(x=names, y=[f["max"] / scale for f in figures], mode="markers", name="maximum")
    if key == "cost_usd" and all(row["budget_usd"] is not None for row in rows):
        budgets = [row["budget_usd"] for row in rows]
        figure.add_scatter(
            x=names, y=budgets, mode="markers", name="budget", marker={"symbol": "line-ew-open", "size": 26}
        )
    figure.update_layout(yaxis_title=unit, xaxis_title="limit", xaxis_type="category", showlegend=True)
    return chart(title, note, figure)


def render(document: Document) -> str:
    """HTML of the document of ``simulate --json``."""
    rows = document["by_limit"]
    weather = document.get("regime", "calm")
    facts = {
        "policy": document["policy"],
        "runs per limit": str(document["runs"]),
        "seed": str(document["seed"]),
        "regime": f"{weather} (synthetic)" if document.get("synthetic") else weather,
        "budget violations": str(sum(row["budget_violations"] for row in rows)),
    }
    lines = [
        [
            limit_name(row),
            money(row["cost_usd"]["p50"]),
            money(row["cost_usd"]["p95"]),
            hours(row["makespan_s"]["p50"]),
            share(row["completed_share"]),
            row["budget_violations"],
            row["deadline_misses"],
            row["interruptions"],
            row["replacements"],
        ]
        for row in rows
    ]
    columns = [
        "limit",
        "cost p50",
        "cost p95",
        "makespan p50",
        "completed",
        "over budget",
        "late",
        "interruptions",
        "swaps",
    ]
    sections = [
        _bands("Spend per limit", "What each limit would have cost.", rows, "cost_usd", 1.0, "USD"),
        _bands("Makespan per limit", "How long it would have taken.", rows, "makespan_s", SECONDS_PER_HOUR, "hours"),
        table("All figures", "Counts are totals over the runs.", columns, lines),
    ]
    sample = document.get("sample_run")
    if sample and sample["fleet"]:
        sections += [
            fleet_chart(sample["fleet"]),
            spend_chart(sample["fleet"], rows[-1]["budget_usd"], sample["tasks_total"]),
            decision_table(sample["decisions"]),
        ]
    lead = "Simulated on recorded prices. The last three sections show the first run of the last limit."
    return page(f"CloudPITS what-if: {document.get('experiment', '')}", lead, facts, sections)
