"""A run as it was: workers as bars over time, spend, decisions with reasons and outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from cloudpits.domain.model import SECONDS_PER_HOUR
from cloudpits.reporting.page import Document, Section, chart, hours, money, page, table
from cloudpits.reporting.story import fleet_chart


def _pool(worker: Document) -> str:
    return f"{worker['instance_type']} {worker['availability_zone']} {worker.get('market', 'on-demand')}"


def _lifetimes(workers: Sequence[Document], start: float, end: float) -> list[dict[str, Any]]:
    """The fleet at every instant at which a worker came or went."""
    lives = [(w["launched_at"], w["ended_at"] or end, _pool(w)) for w in workers if w.get("launched_at") is not None]
    instants = sorted({instant for life in lives for instant in life[:2]})
    points = []
    for instant in instants:
        counts: dict[str, int] = {}
        for launched, ended, pool in lives:
            if launched <= instant < ended:
                counts[pool] = counts.get(pool, 0) + 1
        points.append({"at_s": instant - start, "workers": counts})
    return points


def _spend(document: Document) -> Section:
    instances = [*document.get("job_managers", ()), *document["workers"]]
    names = [f"{item['instance_id'][-6:]} {item['instance_type']}" for item in instances]
    figure = go.Figure(go.Waterfall(x=names, y=[item["cost_usd"] for item in instances], name="cost"))
    if document["budget_usd"] is not None:
        figure.add_hline(y=document["budget_usd"], line_dash="dot", annotation_text="budget")
    figure.update_layout(yaxis_title="USD, summed up", xaxis_type="category", showlegend=False)
    return chart("Spend against the budget", "What each instance added, job managers first.", figure)


def _decisions(document: Document, start: float | None) -> Section:
    rows = [
        [
            hours(line["at"] - start) if start is not None else "",
            line["command"],
            line.get("pool") or line.get("instance_id") or "",
            line["reason"],
            line.get("outcome", ""),
            money(line["expected_saving_usd"]),
        ]
        for line in document["decisions"]
    ]
    columns = ["after", "command", "what", "why", "outcome", "expected saving"]
    return table("Decisions", "What the controller did, and the reason it gave.", columns, rows)


def _workers(document: Document) -> Section:
    rows = [
        [w["instance_id"], _pool(w), w["tasks"], money(w["cost_usd"]), w["ended_because"]] for w in document["workers"]
    ]
    return table("Workers", "", ["instance", "pool", "tasks", "cost", "ended because"], rows)


def render(document: Document) -> str:
    """HTML of the document of ``run --json`` and of ``report``."""
    start = document.get("started_at")
    if start is None:
        start = min((line["at"] for line in document["decisions"]), default=None)
    makespan = document["makespan_s"]
    facts = {
        "status": document["status"],
        "tasks": f"{document['tasks_committed']:,} of {document['tasks_total'] or 0:,}",
        "spent": money(document["spent_usd"]),
        "budget": money(document["budget_usd"]),
        "makespan": hours(makespan),
        "interruptions": str(document["interruptions"]),
        "replacements": str(document["replacements"]),
        "launch failures": str(document["launch_failures"]),
    }
    sections = []
    if start is not None:
        latest = max((w.get("launched_at") or start for w in document["workers"]), default=start)
        points = _lifetimes(
            document["workers"], start, start + makespan if makespan is not None else latest + SECONDS_PER_HOUR
        )
        sections += [fleet_chart(points)] if points else []
    sections += [_spend(document), _decisions(document, start), _workers(document)]
    return page(f"CloudPITS run {document['run']}", document.get("message") or "", facts, sections)
