"""The plan as a picture: the time–cost front, what the limits allow, and the fleet chosen."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from cloudpits.domain.model import SECONDS_PER_HOUR
from cloudpits.reporting.page import Document, Section, axis, chart, hours, mark_limits, money, page, table


def _fleet(point: Document) -> str:
    return ", ".join(
        f"{part['count']} × {part['instance_type']} {part['availability_zone']} {part['market']}"
        for part in point["pool"]
    )


def _front(document: Document) -> Section:
    front: list[Any] = document["front"]
    makespans = [point["makespan_s"] / SECONDS_PER_HOUR for point in front]
    figure = go.Figure(
        go.Scatter(
            x=makespans,
            y=[point["cost_usd"] for point in front],
            text=[_fleet(point).replace(", ", "<br>") for point in front],
            mode="lines+markers",
            name="best fleets",
            hovertemplate="%{x:.2f} h, $%{y:.3f}<br>%{text}<extra></extra>",
        )
    )
    chosen = document["chosen"]
    if chosen is not None:
        figure.add_scatter(
            x=[chosen["makespan_s"] / SECONDS_PER_HOUR],
            y=[chosen["cost_usd"]],
            text=[_fleet(chosen).replace(", ", "<br>")],
            mode="markers",
            marker={"size": 16, "symbol": "star"},
            name="chosen",
            hovertemplate="%{x:.2f} h, $%{y:.3f}<br>%{text}<extra>chosen</extra>",
        )
    limits = [[limit] if limit is not None else [] for limit in (document["budget_usd"], document["deadline_hours"])]
    figure.update_layout(
        xaxis=axis("makespan (hours)", [*makespans, *limits[1]]),
        yaxis=axis("total cost (USD)", [*(point["cost_usd"] for point in front), *limits[0]]),
        showlegend=True,
    )
    mark_limits(figure, *limits)
    note = "Every point is a fleet that no other beats in both time and money. Hover for its workers."
    return chart("Time against cost", note, figure)


def render(document: Document) -> str:
    """HTML of the document of ``plan --json``."""
    chosen = document["chosen"]
    facts = {
        "mode": document["mode"],
        "tasks": f"{document['tasks_total']:,}",
        "feasible": "yes" if document["feasible"] else "no",
        "expected cost": money(chosen["cost_usd"] if chosen else None),
        "expected makespan": hours(chosen["makespan_s"] if chosen else None),
    }
    rows = [[hours(p["makespan_s"]), money(p["cost_usd"]), _fleet(p)] for p in document["front"]]
    sections = [
        _front(document),
        table("Why", "What led to the choice.", ["reason"], [[reason] for reason in document["reasons"]]),
        table("Fleets on the front", "Fastest first.", ["makespan", "cost", "workers"], rows),
    ]
    return page("CloudPITS plan", "Predicted before anything is launched.", facts, sections)
