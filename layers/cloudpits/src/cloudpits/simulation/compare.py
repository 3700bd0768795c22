"""Every policy and the offline optimum side by side, in the same worlds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cloudpits.config.experiment import Experiment
from cloudpits.domain.policies import registry
from cloudpits.simulation.build import build_scenario
from cloudpits.simulation.scenario import Regime, Scenario
from cloudpits.simulation.simulate import check_counts, regime_named
from cloudpits.simulation.statistics import Document, figures, summarise
from cloudpits.simulation.sweep import Contender, SeedResults, contenders, sweep, traced

ALL = "all"
NO_OPTIMUM = "so short a job that a lucky start-up alone would do it: there is no optimum to compare with"


class BoundError(RuntimeError):
    """A run came out cheaper than the offline optimum: a defect of the bound or of the bill."""


def check_bound(results: Sequence[SeedResults]) -> None:
    """Every completed run costs at least the offline optimum of its world; BoundError names the one that does not."""
    for result in results:
        for name, run in result.runs.items():
            if run.completed and result.bound is not None and run.cost_usd < result.bound.cost_usd:
                raise BoundError(
                    f"seed {result.seed}: {name} cost {run.cost_usd:.6f} USD, below the bound "
                    f"{result.bound.cost_usd:.6f}"
                )


def _regrets(results: Sequence[SeedResults], name: str) -> list[float]:
    return [
        result.runs[name].cost_usd / result.bound.cost_usd - 1.0
        for result in results
        if result.runs[name].completed and result.bound is not None and result.bound.cost_usd > 0.0
    ]


def _regrets_by_own_luck(results: Sequence[SeedResults], name: str) -> list[float]:
    """Against the optimum of the job that the run's own luck left: others' luck lowers the common bound, not this."""
    found = []
    for result in results:
        own = dict(zip(result.runs, result.bound.own_usd, strict=True)) if result.bound is not None else {}
        if (least := own.get(name)) is not None and least > 0.0:
            found.append(result.runs[name].cost_usd / least - 1.0)
    return found


def _entry(results: Sequence[SeedResults], name: str) -> Document:
    summary = summarise([result.runs[name] for result in results])
    regrets = {
        "regret": figures(_regrets(results, name)),
        "regret_by_own_luck": figures(_regrets_by_own_luck(results, name)),
    }
    return {"policy": name, **summary, **regrets}


def compare_in(  # independent choices of an experiment with policies
    scenario: Scenario,
    regime: Regime,
    fields: Sequence[Contender],
    *,
    runs: int,
    seed: int = 0,
    jobs: int = -1,
    progress: bool = False,
) -> tuple[Document, list[SeedResults]]:
    """The comparison as a document, and every run behind it."""
    seeds = range(seed, seed + runs)
    results = sweep(scenario, regime, fields, seeds, jobs=jobs, with_optimum=True, progress=progress, label=regime.name)
    check_bound(results)
    found = [result.bound for result in results if result.bound is not None]
    bounds = [bound for bound in found if bound.cost_usd > 0.0]
    document: Document = {
        "runs": runs,
        "seed": seed,
        "experiment": scenario.name,
        "regime": regime.name,
        "synthetic": regime.synthetic,
        "notes": [*scenario.notes, *([NO_OPTIMUM] if found and not bounds else [])],
        "offline_optimum_usd": figures([bound.cost_usd for bound in bounds]),
        "offline_optimum_makespan_s": figures([b.makespan_s for b in bounds if b.makespan_s is not None]),
        "policies": [_entry(results, contender.name) for contender in fields],
    }
    return document, results


def compare(  # noqa: PLR0913  # one keyword per option of the command
    experiment: Experiment,
    prices: Path,
    *,
    policies: Sequence[str] = (ALL,),
    runs: int = 20,
    seed: int = 0,
    performance: Path | str | None = None,
    workload: str | None = None,
    regime: str = "calm",
    jobs: int = -1,
    progress: bool = False,
) -> Document:
    """The document of ``compare --json``. Regret is cost / offline optimum − 1 per seed, over completed runs."""
    check_counts(runs)
    names = registry.NAMES if tuple(policies) == (ALL,) else tuple(dict.fromkeys(policies))
    fields = contenders(names)
    weather = regime_named(regime)
    scenario = build_scenario(experiment, prices, performance, workload)
    document, _ = compare_in(scenario, weather, fields, runs=runs, seed=seed, jobs=jobs, progress=progress)
    return {**document, "sample_run": traced(scenario, weather, fields[0], seed).story()}
