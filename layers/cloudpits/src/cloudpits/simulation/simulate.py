"""The what-if: what each budget and deadline would have spent on recorded prices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from cloudpits.config.experiment import Experiment
from cloudpits.domain.errors import InvalidInputError
from cloudpits.domain.model import SECONDS_PER_HOUR
from cloudpits.simulation.build import build_scenario
from cloudpits.simulation.scenario import REGIMES, Regime, Scenario
from cloudpits.simulation.statistics import Document, summarise
from cloudpits.simulation.sweep import contenders, sweep, traced

Limit = tuple[float | None, float | None]  # budget (USD), deadline (hours)


def regime_named(name: str) -> Regime:
    """The regime called ``name``; InvalidInputError lists the known ones."""
    if name not in REGIMES:
        raise InvalidInputError(f"--regime: {name!r} is not known; choose one of {', '.join(REGIMES)}")
    return REGIMES[name]


def check_counts(runs: int, budgets: Iterable[float | None] = (), deadlines: Iterable[float | None] = ()) -> None:
    """Positive numbers only; InvalidInputError names the option."""
    if runs < 1:
        raise InvalidInputError(f"--runs: {runs} is not usable; give at least 1")
    for option, values in (("--budgets", budgets), ("--deadlines", deadlines)):
        bad = [value for value in values if value is not None and not 0.0 < value < float("inf")]
        if bad:
            raise InvalidInputError(f"{option}: {bad[0]} is not usable; give numbers above 0")


def _limits(experiment: Experiment, budgets: Sequence[float] | None, deadlines: Sequence[float] | None) -> list[Limit]:
    budget_list: Sequence[float | None] = budgets or [experiment.limits.budget_usd]
    deadline_list: Sequence[float | None] = deadlines or [experiment.limits.deadline_hours]
    return [(budget, deadline) for budget in budget_list for deadline in deadline_list]


def _label(limit: Limit) -> str:
    budget, hours = limit
    return ", ".join([*([f"{budget:g} USD"] if budget else []), *([f"{hours:g} h"] if hours else [])])


def _telling(entries: Sequence[Document]) -> Limit:
    """The last limit under which a run completed, or the last: a run that was refused shows nothing."""
    entry = next((entry for entry in reversed(entries) if entry["completed_share"] > 0.0), entries[-1])
    return entry["budget_usd"], entry["deadline_hours"]


def with_limits(scenario: Scenario, limit: Limit) -> Scenario:
    """The scenario under another budget (USD) and deadline (hours)."""
    budget, hours = limit
    seconds = None if hours is None else hours * SECONDS_PER_HOUR
    latest = scenario.latest if seconds is None else max(scenario.earliest, scenario.prices_end - seconds)
    limits = replace(scenario.limits, budget_usd=budget, deadline_s=seconds)
    return replace(scenario, limits=limits, latest=latest)


def simulate(  # noqa: PLR0913  # one keyword per option of the command
    experiment: Experiment,
    prices: Path,
    *,
    budgets: Sequence[float] | None = None,
    deadlines: Sequence[float] | None = None,
    runs: int = 20,
    policy: str | None = None,
    seed: int = 0,
    performance: Path | str | None = None,
    workload: str | None = None,
    regime: str = "calm",
    jobs: int = -1,
    progress: bool = False,
) -> Document:
    """The document of ``simulate --json``; one entry of ``by_limit`` per budget (USD) and deadline (hours).

    Run ``i`` of every limit lives in the world of ``seed + i``, so limits are compared under equal luck.
    """
    check_counts(runs, budgets or (), deadlines or ())
    fields = contenders([policy or experiment.rebalance.policy])
    weather = regime_named(regime)
    scenario = build_scenario(experiment, prices, performance, workload)
    entries = []
    for limit in _limits(experiment, budgets, deadlines):
        limited = with_limits(scenario, limit)
        seeds = range(seed, seed + runs)
        results = sweep(limited, weather, fields, seeds, jobs=jobs, progress=progress, label=_label(limit))
        summary = summarise([result.runs[fields[0].name] for result in results])
        entries.append({"budget_usd": limit[0], "deadline_hours": limit[1], **summary})
    sample = traced(with_limits(scenario, _telling(entries)), weather, fields[0], seed)
    return {
        "policy": fields[0].name,
        "runs": runs,
        "seed": seed,
        "regime": weather.name,
        "synthetic": weather.synthetic,
        "experiment": experiment.name,
        "notes": list(scenario.notes),
        "by_limit": entries,
        "sample_run": sample.story(),
    }
