"""The plan as a picture: the time–cost front, what the limits allow, and the fleet chosen."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from cloudpits.domain.model import SECONDS_PER_HOUR
from cloudpits.reporting.page import Document, Section, chart, hours, money, page, table


def _fleet(point: Document) -> str:
    return ", ".join(
        f"{part['count']} × {part['instance_type']} {part['availability_zone']} {part['market']}"
        for part in point["pool"]
    )


def _front(document: Document) -> Section:
    front: list[Any] = document["front"]
    figure = go.Figure(
        go.Scatter(
            x=[point["makespan_s"] / SECONDS_PER_HOUR for point in front],
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
    if document.get("budget_usd") is not None:
        figure.add_hline(
            y=document["budget_usd"], line_dash="dot", annotation_text="budget", annotation_position="top left"
        )
    if document.get("deadline_hours") is not None:
        figure.add_vline(x=document["deadline_hours"], line_dash="dot", annotation_text="deadline")
    figure.update_layout(xaxis_title="makespan (hours)", yaxis_title="total cost (USD)", showlegend=True)
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
