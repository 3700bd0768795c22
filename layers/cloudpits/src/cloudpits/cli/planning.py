"""``cloudpits plan``: the predicted time–cost front and the pool that would be launched."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.table import Table

from cloudpits.cli import options
from cloudpits.cli.complaints import of_file
from cloudpits.cli.output import console, duration, publish, usd
from cloudpits.config.experiment import load_experiment

if TYPE_CHECKING:  # the planner is loaded when it is used, so that --help answers at once
    from cloudpits.cli.prediction import Prediction
    from cloudpits.domain.planning.front import FrontPoint, PlannedFront

ROWS = 12


def _point(point: FrontPoint) -> dict[str, Any]:
    pool = [
        {
            "instance_type": pool.instance_type,
            "availability_zone": pool.availability_zone,
            "market": str(pool.market),
            "count": count,
        }
        for pool, count in point.pool
    ]
    return {"makespan_s": point.makespan_s, "cost_usd": point.cost_usd, "pool": pool}


def as_document(prediction: Prediction) -> dict[str, Any]:
    """The document of ``plan --json``."""
    front = prediction.front
    return {
        "feasible": front.chosen is not None,
        "mode": str(prediction.experiment.limits.mode),
        "tasks_total": prediction.snapshot.job.tasks_total,
        "budget_usd": prediction.experiment.limits.budget_usd,
        "deadline_hours": prediction.experiment.limits.deadline_hours,
        "front": [_point(point) for point in front.points],
        "chosen": None if front.chosen is None else _point(front.chosen),
        "cheapest_budget_usd": front.cheapest_budget_usd,
        "fastest_deadline_s": front.fastest_deadline_s,
        "reasons": [*front.reasons, *prediction.notes],
    }


def _fleet(point: FrontPoint) -> str:
    return ", ".join(f"{count} × {pool}" for pool, count in point.pool)


def shown_points(front: PlannedFront) -> list[FrontPoint]:
    """About ``ROWS`` points of the front, its ends and the chosen one among them; of those that read alike, one."""
    cheapest_of_makespan = {duration(point.makespan_s): point for point in front.points}
    if front.chosen is not None:
        cheapest_of_makespan[duration(front.chosen.makespan_s)] = front.chosen
    points = list(cheapest_of_makespan.values())
    step = math.ceil(len(points) / ROWS)
    last = len(points) - 1
    return [point for i, point in enumerate(points) if i % step == 0 or i == last or point == front.chosen]


def show_plan(prediction: Prediction) -> None:
    """A table for people, on stderr."""
    front = prediction.front
    table = Table("", "makespan", "cost", "workers", title=f"{prediction.experiment.name}: time against cost")
    for point in shown_points(front):
        table.add_row(
            "→" if point == front.chosen else "", duration(point.makespan_s), usd(point.cost_usd), _fleet(point)
        )
    console.print(table)
    for reason in (*front.reasons, *prediction.notes):
        console.print(f"· {reason}")


def predicted(path: Path, prices: Path | None, performance: str | None, workload: str | None) -> Prediction:
    """The plan for the experiment in ``path``, feasible or not; complaints about its fields name the file."""
    from cloudpits.cli.prediction import predict

    experiment = load_experiment(path)
    with of_file(path, experiment):
        return predict(experiment, prices, performance, workload)


def plan(
    experiment: options.Experiment,
    prices: options.Prices = None,
    performance: options.Performance = None,
    workload: options.Workload = None,
    as_json: options.AsJson = False,
    report: options.Report = None,
) -> None:
    """Predict time against cost, and show the pool that would be launched."""
    from cloudpits.application.plan_experiment import require_feasible

    prediction = predicted(experiment, prices, performance, workload)
    publish("plan", as_document(prediction), lambda _: show_plan(prediction), as_json=as_json, report=report)
    require_feasible(prediction.front, str(experiment))


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(plan)
