"""The what-if as a picture: spend and makespan per limit with bands, and one run in detail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from cloudpits.domain.model import SECONDS_PER_HOUR
from cloudpits.reporting.page import Document, Section, axis, chart, hours, money, notes, page, regime, share, table
from cloudpits.reporting.story import sample_sections

_MOST = 0.5  # of the runs
_SPEND = "What each limit would have cost; nothing where the policy would not start."


def limit_name(row: Mapping[str, Any]) -> str:
    """A limit for people: budget, deadline or both."""
    budget, deadline = row["budget_usd"], row["deadline_hours"]
    parts = ([f"${budget:g}"] if budget is not None else []) + ([f"{deadline:g} h"] if deadline is not None else [])
    return ", ".join(parts)


def _bands(title: str, note: str, rows: Sequence[Document], key: str, per: float, unit: str) -> Section:
    """Median with a bar from median to 95th percentile, and the maximum, for each limit."""
    names = [limit_name(row) for row in rows]
    figures = [row[key] for row in rows]
    median = [figure["p50"] / per for figure in figures]
    figure = go.Figure(
        go.Bar(
            x=names,
            y=median,
            name="median; line up to the 95th percentile",
            error_y=_above(rows, key),
        )
    )
    figure.add_scatter(x=names, y=[f["max"] / per for f in figures], mode="markers", name="maximum")
    if key == "cost_usd" and all(row["budget_usd"] is not None for row in rows):
        budgets = [row["budget_usd"] for row in rows]
        figure.add_scatter(
            x=names, y=budgets, mode="markers", name="budget", marker={"symbol": "line-ew-open", "size": 26}
        )
    figure.update_layout(yaxis_title=unit, xaxis_title="limit", xaxis_type="category", showlegend=True)
    return chart(title, note, figure)


def _front(rows: Sequence[Document]) -> Section:
    """Median time against median cost of the limits under which most runs completed; a step line joins the best."""
    done = sorted(
        (row for row in rows if row["completed_share"] > _MOST),
        key=lambda row: (row["makespan_s"]["p50"], row["cost_usd"]["p50"]),
    )
    if not done:
        return table("Time against cost", "Under none of these limits did most runs complete.", [], [])
    best: list[Document] = []
    for row in done:
        if not best or row["cost_usd"]["p50"] < best[-1]["cost_usd"]["p50"]:
            best.append(row)
    figure = go.Figure(_medians(best, "best of these limits", mode="lines", line={"shape": "hv", "dash": "dot"}))
    spread = {"error_x": _above(done, "makespan_s"), "error_y": _above(done, "cost_usd")}
    figure.add_trace(_medians(done, "limits", mode="markers", marker={"size": 11}, **spread))
    figure.update_layout(
        xaxis=axis("makespan (hours, median)", [row["makespan_s"]["p50"] / SECONDS_PER_HOUR for row in done]),
        yaxis=axis("cost (USD, median)", [row["cost_usd"]["p50"] for row in done]),
        showlegend=True,
    )
    note = (
        "Medians, with lines up to the 95th percentile, of limits under which most runs completed. Hover for the limit."
    )
    return chart("Time against cost", note, figure)


def _medians(rows: Sequence[Document], name: str, **look: Any) -> go.Scatter:
    return go.Scatter(
        x=[row["makespan_s"]["p50"] / SECONDS_PER_HOUR for row in rows],
        y=[row["cost_usd"]["p50"] for row in rows],
        text=[f"{limit_name(row)}: {share(row['completed_share'])} completed" for row in rows],
        hovertemplate="%{x:.2f} h, $%{y:.3f}<br>%{text}<extra></extra>",
        name=name,
        **look,
    )


def _above(rows: Sequence[Document], key: str) -> dict[str, Any]:
    """Error bars from the median to the 95th percentile."""
    unit = SECONDS_PER_HOUR if key == "makespan_s" else 1.0
    above = [(row[key]["p95"] - row[key]["p50"]) / unit for row in rows]
    return {"type": "data", "array": above, "symmetric": False, "arrayminus": [0.0] * len(above)}


def render(document: Document) -> str:
    """HTML of the document of ``simulate --json``."""
    rows = document["by_limit"]
    facts = {
        "policy": document["policy"],
        "runs per limit": str(document["runs"]),
        "seed": str(document["seed"]),
        "regime": regime(document),
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
        _front(rows),
        _bands(
            "Spend per limit",
            _SPEND,
            rows,
            "cost_usd",
            1.0,
            "USD",
        ),
        _bands("Makespan per limit", "How long it would have taken.", rows, "makespan_s", SECONDS_PER_HOUR, "hours"),
        table("All figures", "Counts are totals over the runs.", columns, lines),
    ]
    said = [*document.get("notes", ()), *(f"{limit_name(row)}: {why}" for row in rows for why in row["refused"][:1])]
    sections += [*notes(said), *sample_sections(document.get("sample_run"))]
    lead = (
        "Simulated on recorded prices. The last three sections show a run under the last limit that let one complete."
    )
    return page(f"CloudPITS what-if: {document.get('experiment', '')}", lead, facts, sections)
