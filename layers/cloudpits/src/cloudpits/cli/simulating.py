"""``cloudpits simulate`` and ``cloudpits compare``: what limits and policies would have cost on recorded prices."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Column, Table

from cloudpits.cli import options
from cloudpits.cli.complaints import of_file
from cloudpits.cli.output import console, duration, publish, usd
from cloudpits.config.experiment import load_experiment
from cloudpits.domain.errors import InvalidInputError
from cloudpits.domain.policies.registry import NAMES

LARGEST = 1e9  # USD or hours: more is a typing error


def _numbers(text: str | None, option: str) -> tuple[float, ...]:
    """Positive finite numbers of a comma-separated option (InvalidInputError names the option)."""
    if text is None:
        return ()
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = (math.nan,)
    if not all(0.0 < number <= LARGEST for number in numbers):
        raise InvalidInputError(
            f"{option}: {text!r} must be positive numbers separated by commas, such as 0.5,1,2, none above {LARGEST:g}"
        )
    return tuple(dict.fromkeys(numbers))


def _policies(text: str) -> tuple[str, ...]:
    names = NAMES if text == "all" else tuple(name.strip() for name in text.split(","))
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        raise InvalidInputError(f"--policies: {unknown[0]!r} is unknown; known: all, {', '.join(NAMES)}")
    return names


def _policy(name: str | None) -> str | None:
    if name is not None and name not in NAMES:
        raise InvalidInputError(f"--policy: {name!r} is unknown; give one of {', '.join(NAMES)}")
    return name


def _spread(figures: Mapping[str, float]) -> str:
    return f"{usd(figures['p50'])} … {usd(figures['p95'])}".replace(" USD", "")


def _table(title: str, *first: str) -> Table:
    """Columns that both commands show, narrow enough that 80 characters show whole names and figures."""
    figures = ("cost (USD)\np50 … p95", "makespan\np50", "done", "over\nbudget", "late", "swaps")
    columns = (Column(name, no_wrap=True) for name in (*first, *figures))
    return Table(*columns, title=title, box=SIMPLE_HEAD, padding=0, show_edge=False)


def _show_simulation(document: Mapping[str, Any]) -> None:
    title = f"{document['policy']}, {document['runs']} runs from seed {document['seed']}"
    table = _table(title, "budget", "deadline")
    for row in document["by_limit"]:
        hours = row["deadline_hours"]
        table.add_row(
            usd(row["budget_usd"]),
            "–" if hours is None else f"{hours:g} h",
            _spread(row["cost_usd"]),
            duration(row["makespan_s"]["p50"]),
            f"{row['completed_share']:.0%}",
            str(row["budget_violations"]),
            str(row["deadline_misses"]),
            f"{row['replacements']:g}",
        )
    console.print(table)
    _show_notes(document, document["by_limit"])


def _show_comparison(document: Mapping[str, Any]) -> None:
    optimum = document["offline_optimum_usd"]["mean"]
    title = f"{document['runs']} paired runs; offline optimum {usd(optimum)} on average"
    table = _table(title, "policy")
    table.add_column("regret\np50")
    for row in sorted(document["policies"], key=lambda row: (-row["completed_share"], row["cost_usd"]["p50"])):
        table.add_row(
            row["policy"],
            _spread(row["cost_usd"]),
            duration(row["makespan_s"]["p50"]),
            f"{row['completed_share']:.0%}",
            str(row["budget_violations"]),
            str(row["deadline_misses"]),
            f"{row['replacements']:g}",
            "–" if row["regret"]["p50"] is None else f"{row['regret']['p50']:.1%}",
        )
    console.print(table)
    _show_notes(document, document["policies"])


def _show_notes(document: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """What the figures rest on, and why a policy would not start, each said once."""
    refusals = (reason for row in rows for reason in row["refused"][:1])  # of other seeds they differ in figures only
    for note in dict.fromkeys([*document["notes"], *refusals]):
        console.print(f"· {note}")


def _played(run: Callable[..., Mapping[str, Any]], path: Path, **options: object) -> Mapping[str, Any]:
    """What ``run`` finds for the experiment in ``path``; complaints about its fields name the file."""
    experiment = load_experiment(path)
    with of_file(path, experiment):
        return run(experiment, progress=True, **options)


def simulate(
    experiment: options.Experiment,
    prices: options.PriceLog,
    budgets: Annotated[
        str | None, typer.Option(metavar="A,B,..", help="Budgets (USD) to try; default: the experiment's.")
    ] = None,
    deadlines: Annotated[
        str | None, typer.Option(metavar="A,B,..", help="Deadlines (hours) to try; default: the experiment's.")
    ] = None,
    runs: options.Runs = 100,
    policy: Annotated[
        str | None, typer.Option(metavar="P", help=f"One of {', '.join(NAMES)}; default: the experiment's.")
    ] = None,
    seed: options.Seed = 0,
    performance: options.Performance = None,
    workload: options.Workload = None,
    regime: options.Regime = "calm",
    jobs: options.Jobs = -1,
    as_json: options.AsJson = False,
    report: options.Report = None,
) -> None:
    """Tell what each budget or deadline would have spent on recorded prices."""
    from cloudpits.simulation.simulate import simulate as run

    document = _played(
        run,
        experiment,
        prices=prices,
        budgets=_numbers(budgets, "--budgets"),
        deadlines=_numbers(deadlines, "--deadlines"),
        policy=_policy(policy),
        runs=runs,
        seed=seed,
        performance=performance,
        workload=workload,
        regime=regime,
        jobs=jobs,
    )
    publish("simulation", document, _show_simulation, as_json=as_json, report=report)


def compare(
    experiment: options.Experiment,
    prices: options.PriceLog,
    performance: options.Performance = None,
    workload: options.Workload = None,
    policies: Annotated[str, typer.Option(metavar="A,B|all", help="Policies to set side by side.")] = "all",
    runs: options.Runs = 100,
    seed: options.Seed = 0,
    regime: options.Regime = "calm",
    jobs: options.Jobs = -1,
    as_json: options.AsJson = False,
    report: options.Report = None,
) -> None:
    """Set policies and the offline optimum side by side on recorded prices."""
    from cloudpits.simulation.compare import compare as run

    document = _played(
        run,
        experiment,
        prices=prices,
        policies=_policies(policies),
        runs=runs,
        seed=seed,
        performance=performance,
        workload=workload,
        regime=regime,
        jobs=jobs,
    )
    publish("comparison", document, _show_comparison, as_json=as_json, report=report)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    commands: Sequence[Any] = (simulate, compare)
    for command in commands:
        app.command()(command)
