"""Policies side by side: cost, makespan and regret against the offline optimum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from cloudpits.domain.model import SECONDS_PER_HOUR
from cloudpits.reporting.page import Document, Section, chart, hours, money, notes, page, regime, share, table
from cloudpits.reporting.story import sample_sections


def _bars(rows: Sequence[Document], key: str, scale: float, unit: str) -> go.Figure:
    shown = [row for row in rows if row[key]["p50"] is not None]
    median = [row[key]["p50"] / scale for row in shown]
    above = [(row[key]["p95"] - row[key]["p50"]) / scale for row in shown]
    none = [0.0] * len(above)
    figure = go.Figure(
        go.Bar(
            x=[row["policy"] for row in shown],
            y=median,
            name="median; line up to the 95th percentile",
            error_y={"type": "data", "array": above, "symmetric": False, "arrayminus": none},
        )
    )
    figure.update_layout(
        yaxis_title=unit, xaxis={"type": "category", "tickangle": -20, "automargin": True}, showlegend=False
    )
    return figure


def _map(rows: Sequence[Document]) -> Section:
    figure = go.Figure()
    for place, row in enumerate(rows):
        symbol = "circle-open" if row["completed_share"] == 1.0 else "x-open"
        figure.add_scatter(
            x=[row["makespan_s"]["p50"] / SECONDS_PER_HOUR],
            y=[row["cost_usd"]["p50"]],
            mode="markers",
            name=row["policy"],
            hovertemplate=f"{row['policy']}: %{{x:.2f}} h, $%{{y:.3f}}<extra></extra>",
            # Rings in rings: of policies that did the same, none hides another.
            marker={"size": 8 + 3 * (len(rows) - place), "symbol": symbol, "line": {"width": 2}},
        )
    figure.update_layout(xaxis_title="makespan (hours, median)", yaxis_title="cost (USD, median)", showlegend=True)
    return chart(
        "Time against cost", "Median of all runs. A cross marks policies that did not always complete.", figure
    )


def _line(row: Document) -> list[Any]:
    regret = row["regret"]
    return [
        row["policy"],
        money(row["cost_usd"]["p50"]),
        money(row["cost_usd"]["p95"]),
        hours(row["makespan_s"]["p50"]),
        share(row["completed_share"]),
        row["budget_violations"],
        row["deadline_misses"],
        row["replacements"],
        share(regret["p50"]),
        share(regret["p95"]),
    ]


_COLUMNS = (
    "policy",
    "cost p50",
    "cost p95",
    "makespan p50",
    "completed",
    "over budget",
    "late",
    "swaps",
    "regret p50",
    "regret p95",
)


def render(document: Document) -> str:
    """HTML of the document of ``compare --json``."""
    rows = document["policies"]
    optimum = document["offline_optimum_usd"]["mean"]
    facts = {
        "paired runs": str(document["runs"]),
        "offline optimum, mean": money(optimum),
        "regime": regime(document),
        "policies": str(len(rows)),
    }
    cost = _bars(rows, "cost_usd", 1.0, "USD")
    if optimum is not None:
        cost.add_scatter(
            x=[row["policy"] for row in rows],
            y=[optimum] * len(rows),
            mode="lines",
            line={"dash": "dot"},
            name="offline optimum (mean)",
        )
        cost.update_layout(showlegend=True)
    regret_note = "Cost / offline optimum − 1 per seed, over runs that completed."
    sections = [
        table(
            "Side by side",
            "All policies met the same worlds. Counts are totals over the runs.",
            _COLUMNS,
            map(_line, rows),
        ),
        chart("Regret", regret_note, _bars(rows, "regret", 0.01, "percent")),
        chart("Cost", "Runs that failed are included.", cost),
        chart(
            "Makespan",
            "To the last task, or to the stop of a run that failed.",
            _bars(rows, "makespan_s", SECONDS_PER_HOUR, "hours"),
        ),
        _map(rows),
    ]
    said = [*document.get("notes", ()), *(f"{row['policy']}: {why}" for row in rows for why in row["refused"][:1])]
    sample = document.get("sample_run")
    sections += [*notes(said), *sample_sections(sample)]
    lead = "The offline optimum knows all prices, rates and outages beforehand; no policy can do better."
    if sample:
        lead += f" The last three sections show one run: {sample['policy']}, seed {sample['seed']}."
    return page(f"CloudPITS policies compared: {document.get('experiment', '')}", lead, facts, sections)
