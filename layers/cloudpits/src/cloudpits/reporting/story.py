"""How one run went: its fleet over time, its spend against the budget, its decisions with their reasons."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import plotly.graph_objects as go

from cloudpits.domain.model import SECONDS_PER_HOUR
from cloudpits.reporting.page import Document, Section, chart, hours, money, table


def _hours(points: Iterable[Document]) -> list[float]:
    return [point["at_s"] / SECONDS_PER_HOUR for point in points]


def fleet_chart(points: Sequence[Document]) -> Section:
    """Workers per pool; each point holds ``at_s`` and ``workers`` (pool → count)."""
    if not any(point["workers"] for point in points):
        return table("Fleet over time", "No worker was launched.", [], [])
    pools = sorted({pool for point in points for pool in point["workers"]})
    figure = go.Figure()
    for pool in pools:
        counts = [point["workers"].get(pool, 0) for point in points]
        figure.add_scatter(x=_hours(points), y=counts, name=pool, stackgroup="fleet", line_shape="hv", mode="lines")
    figure.update_layout(xaxis_title="hours since the start", yaxis_title="workers", showlegend=True)
    return chart("Fleet over time", "Workers alive per pool.", figure)


def spend_chart(points: Sequence[Document], budget_usd: float | None, tasks_total: int | None) -> Section:
    """Spend (left axis) and tasks done (right axis); each point holds ``at_s``, ``spent_usd``, ``tasks_committed``."""
    figure = go.Figure(go.Scatter(x=_hours(points), y=[p["spent_usd"] for p in points], name="spent (USD)"))
    if budget_usd is not None:
        figure.add_hline(y=budget_usd, line_dash="dot", annotation_text="budget", annotation_position="top left")
    if tasks_total:
        done = [100.0 * p["tasks_committed"] / tasks_total for p in points]
        figure.add_scatter(x=_hours(points), y=done, name="tasks done (%)", yaxis="y2")
    figure.update_layout(
        xaxis_title="hours since the start",
        yaxis_title="USD",
        yaxis={"rangemode": "tozero"},
        yaxis2={
            "title": "tasks done (%)",
            "overlaying": "y",
            "side": "right",
            "range": [0, 105],
            "dtick": 25,
            "showgrid": False,
        },
        showlegend=True,
    )
    return chart("Spend against the budget", "The ledger's figure, job manager included.", figure)


def sample_sections(sample: Document | None) -> list[Section]:
    """One traced run (``RunResult.story``) in full, if there is one."""
    if not sample or not sample["fleet"]:
        return []
    return [
        fleet_chart(sample["fleet"]),
        spend_chart(sample["fleet"], sample["budget_usd"], sample["tasks_total"]),
        decision_table(sample["decisions"]),
    ]


def decision_table(lines: Iterable[dict[str, Any]]) -> Section:
    """Decisions; each line holds ``at_s``, ``command``, ``subject``, ``reason``, ``expected_saving_usd``."""
    rows = [
        [hours(line["at_s"]), line["command"], line["subject"], line["reason"], money(line["expected_saving_usd"])]
        for line in lines
    ]
    columns = ["after", "command", "what", "why", "expected saving"]
    return table("Decisions", "What the controller did, and the reason it gave.", columns, rows)
