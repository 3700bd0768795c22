"""Many runs in parallel processes: seeds in chunks, every policy of a seed in the same world.

Uses joblib, so a cluster back end (Dask, Ray) registered with ``joblib.parallel_config`` serves as well.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, cast

from joblib import Parallel, delayed, effective_n_jobs
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cloudpits.domain.policies import registry
from cloudpits.simulation.engine import play
from cloudpits.simulation.offline import Bound, offline_optimum
from cloudpits.simulation.realisation import realise
from cloudpits.simulation.results import RunResult
from cloudpits.simulation.scenario import Regime, Scenario

_CHUNKS_PER_JOB = 8
_LARGEST_CHUNK = 10  # seeds: the progress bar moves every few seconds


@dataclass(frozen=True, slots=True)
class Contender:
    """A policy with its options, under the name that the results carry; without ``ledger``, as an ablation."""

    name: str
    policy: str
    options: Mapping[str, Any] = field(default_factory=dict)
    ledger: bool = True


@dataclass(frozen=True, slots=True)
class SeedResults:
    """All contenders' runs in one seed's world, and the world's offline optimum if it was asked for."""

    seed: int
    runs: Mapping[str, RunResult]
    bound: Bound | None


def contenders(names: Iterable[str]) -> tuple[Contender, ...]:
    """Registered policies by name; InvalidInputError (from the registry) lists the known ones."""
    for name in names:
        registry.get(name)
    return tuple(Contender(name, name) for name in names)


def _play_seed(
    scenario: Scenario, regime: Regime, fields: Sequence[Contender], seed: int, with_optimum: bool, trace: bool
) -> SeedResults:
    world = realise(scenario, regime, seed)
    runs = {
        contender.name: play(world, registry.get(contender.policy, **contender.options), trace, ledger=contender.ledger)
        for contender in fields
    }
    return SeedResults(seed, runs, offline_optimum(world, runs.values()) if with_optimum else None)


@lru_cache(maxsize=2)
def _unpacked(scenario: bytes) -> Scenario:
    """A scenario may hold a million prices: every process reads it once, not once for each of its chunks."""
    return cast("Scenario", pickle.loads(scenario))  # noqa: S301  # written by ``sweep``, in this very program


def _play_chunk(
    scenario: bytes, regime: Regime, fields: Sequence[Contender], seeds: Sequence[int], with_optimum: bool
) -> list[SeedResults]:
    return [_play_seed(_unpacked(scenario), regime, fields, seed, with_optimum, trace=False) for seed in seeds]


def _chunks(seeds: Sequence[int], jobs: int) -> Iterator[Sequence[int]]:
    size = min(_LARGEST_CHUNK, max(1, len(seeds) // (_CHUNKS_PER_JOB * jobs)))
    return (seeds[start : start + size] for start in range(0, len(seeds), size))


def sweep(
    scenario: Scenario,
    regime: Regime,
    fields: Sequence[Contender],
    seeds: Sequence[int],
    *,
    jobs: int = -1,
    with_optimum: bool = False,
    progress: bool = False,
    label: str = "simulating",
) -> list[SeedResults]:
    """Results in order of ``seeds``, whatever the number of processes (``jobs``; -1: one per core)."""
    parallel = Parallel(n_jobs=jobs, return_as="generator")
    chunks, packed = list(_chunks(seeds, effective_n_jobs(jobs))), pickle.dumps(scenario)
    results: list[SeedResults] = []
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not (progress and console.is_terminal),
        transient=True,
    )
    with bar:
        task = bar.add_task(label, total=len(seeds))
        work = (delayed(_play_chunk)(packed, regime, fields, chunk, with_optimum) for chunk in chunks)
        for chunk_results in parallel(work):
            results.extend(chunk_results)
            bar.advance(task, len(chunk_results))
    return results


def traced(scenario: Scenario, regime: Regime, contender: Contender, seed: int) -> RunResult:
    """One run with its decisions and its fleet over time, for reports."""
    return _play_seed(scenario, regime, (contender,), seed, with_optimum=False, trace=True).runs[contender.name]
