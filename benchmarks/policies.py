"""Every policy beside the offline optimum: cost, makespan, regret, limits kept, in calm and in made-up weather.

    python benchmarks/policies.py --quick                     # a minute: few seeds, two regimes
    python benchmarks/policies.py                             # 100 paired seeds, all regimes and ablations
    python benchmarks/policies.py --regimes calm --policies mpc,threshold-2019 --jobs large --runs 30

Writes benchmarks/results/policies.json (not with --quick). Data: recorded prices and measured rates in
examples/data, or another folder with the same layout named by CLOUDPITS_BENCH_DATA. Every regime but "calm" is
synthetic. Exits 1 if a run comes out below the optimum or a budget is exceeded.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from cloudpits.config.experiment import Experiment, parse_experiment
from cloudpits.domain.policies import registry
from cloudpits.simulation.build import build_scenario
from cloudpits.simulation.compare import compare_in
from cloudpits.simulation.prices import read_price_log
from cloudpits.simulation.scenario import REGIMES, Regime, Scenario
from cloudpits.simulation.sweep import Contender, SeedResults, contenders

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "policies.json"
DATA = Path(os.environ.get("CLOUDPITS_BENCH_DATA", ROOT / "examples" / "data"))
PRICES = "us-east-1_2021-03_linux.tsv.xz"
RATES = "npb-ep-C.csv"
SUBJECT = "mpc"

# Jobs of the same program in three sizes; limits leave about twice the least cost and time.
JOBS: dict[str, dict[str, Any]] = {
    "large": {"tasks_total": 600_000_000, "budget_usd": 20.0, "deadline_hours": 10.0},
    "medium": {"tasks_total": 150_000_000, "budget_usd": 6.0, "deadline_hours": 4.0},
    "small": {"tasks_total": 20_000_000, "budget_usd": 1.5, "deadline_hours": 2.0},
    "fastest": {"tasks_total": 500_000_000, "budget_usd": 15.0, "mode": "fastest"},
    # A tenth above the least cost: what the ledger is for.
    "tight": {"tasks_total": 150_000_000, "budget_usd": 2.65, "deadline_hours": 6.0},
}
REGIMES_OF = {"medium": tuple(REGIMES), "fastest": ("calm", "stock-out"), "tight": ("calm", "spiky")}
ABLATED = {"medium": "calm", "tight": "spiky"}
OTHER_REGIMES = ("calm", "no-history")
ABLATIONS = {
    "no hysteresis": {"hysteresis": False},
    "no exploration": {"explore": False},
    "no diversification": {"diversification": False},
    "no job-manager term": {"job_manager_term": False},
}
NO_LEDGER = "no ledger"


def experiment(job: str) -> Experiment:
    """The benchmark's experiment: EP class C on five families, 20 workers at most."""
    limits = {key: value for key, value in JOBS[job].items() if key != "tasks_total"}
    document = {
        "name": f"ep-{job}",
        "region": "us-east-1",
        "program": {"module": "libep.so", "tasks_total": JOBS[job]["tasks_total"]},
        "limits": {"max_workers": 20, **limits},
        "workers": {"instance_types": ["c5.*", "c5n.*", "m5n.*", "m5dn.*", "r5.*"]},
    }
    return parse_experiment(document, "benchmark")


def hindsight(results: Sequence[SeedResults]) -> Iterator[float]:
    """Per seed, the cost of the cheapest completed run of all policies: what choosing the policy afterwards gives."""
    for result in results:
        costs = [run.cost_usd for run in result.runs.values() if run.completed and not run.deadline_missed]
        yield min(costs, default=float("nan"))


def paired(results: Sequence[SeedResults], other: str, measure: str) -> dict[str, Any]:
    """How the subject compares with ``other`` over seeds in which both completed within the limits."""
    ratios = []
    for result in results:
        ours, theirs = result.runs[SUBJECT], result.runs[other]
        if ours.completed and theirs.completed and not (ours.deadline_missed or theirs.deadline_missed):
            ratios.append(getattr(ours, measure) / getattr(theirs, measure) - 1.0)
    median = float(np.median(ratios)) if ratios else None
    return {"policy": other, "seeds": len(ratios), f"median_{measure}_over_theirs": median}


def one(scenario: Scenario, regime: Regime, fields: Sequence[Contender], options: argparse.Namespace) -> dict[str, Any]:
    """One table of the benchmark."""
    began = time.perf_counter()
    document, results = compare_in(
        scenario,
        regime,
        fields,
        runs=options.runs,
        seed=options.seed,
        jobs=options.processes,
        progress=options.progress,
    )
    measure = "makespan_s" if scenario.limits.mode == "fastest" else "cost_usd"
    names = [field.name for field in fields]
    if SUBJECT in names:
        document["paired"] = [paired(results, name, measure) for name in names if name != SUBJECT]
    document["cheapest_policy_in_hindsight_usd"] = float(np.nanmean([*hindsight(results)]))
    return {**document, "seconds": time.perf_counter() - began}


def ablations() -> list[Contender]:
    """The subject, whole and with one thing switched off at a time."""
    variants = [Contender(label, SUBJECT, options) for label, options in ABLATIONS.items()]
    return [Contender(SUBJECT, SUBJECT), *variants, Contender(NO_LEDGER, SUBJECT, ledger=False)]


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:+.1%}"


def show(title: str, document: dict[str, Any], console: Console) -> None:
    """One comparison as a table."""
    optimum = document["offline_optimum_usd"]["mean"]
    shown = "none" if optimum is None else f"{optimum:.3f} USD"
    columns = (
        "policy",
        "cost p50",
        "cost p95",
        "hours p50",
        "done",
        "over",
        "late",
        "swaps",
        "lost",
        "boot",
        "probes",
        "forecast",
        "regret p50",
        "regret p95",
        "own luck p50",
        "own luck p95",
    )
    table = Table(*columns, f"{SUBJECT} vs it", title=f"{title}; offline optimum {shown}")
    against = {row["policy"]: next(iter([*row.values()][2:])) for row in document.get("paired", [])}
    for row in document["policies"]:
        regret = row["regret"]
        table.add_row(
            row["policy"],
            f"{row['cost_usd']['p50']:.3f}",
            f"{row['cost_usd']['p95']:.3f}",
            f"{row['makespan_s']['p50'] / 3600:.2f}",
            f"{row['completed_share']:.0%}",
            str(row["budget_violations"]),
            str(row["deadline_misses"]),
            str(row["replacements"]),
            str(row["interruptions"]),
            f"{row['boot_share']:.1%}",
            f"{row['exploration_usd']:.3f}",
            "–" if row["forecast_to_actual_cost"]["p50"] is None else f"{row['forecast_to_actual_cost']['p50']:.2f}",
            _percent(regret["p50"]),
            _percent(regret["p95"]),
            _percent(row["regret_by_own_luck"]["p50"]),
            _percent(row["regret_by_own_luck"]["p95"]),
            _percent(against.get(row["policy"])),
        )
    console.print(table)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--quick", action="store_true", help="8 seeds, calm and no-history, one job; nothing is written"
    )
    parser.add_argument("--runs", type=int, default=None, help="paired seeds (100; with --quick 8)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--regimes", default=None, help=f"of {','.join(REGIMES)}")
    parser.add_argument("--policies", default=",".join(registry.NAMES))
    parser.add_argument("--jobs", default=None, help=f"of {','.join(JOBS)}")
    parser.add_argument("--no-ablations", action="store_true")
    options = parser.parse_args(arguments)
    options.runs = options.runs or (8 if options.quick else 100)
    options.regimes = options.regimes.split(",") if options.regimes else OTHER_REGIMES if options.quick else None
    options.jobs = (options.jobs or ("medium" if options.quick else ",".join(JOBS))).split(",")
    options.policies = options.policies.split(",")
    options.progress = sys.stderr.isatty()
    return options


def tables(options: argparse.Namespace) -> Iterator[tuple[str, dict[str, Any]]]:
    """All comparisons asked for, one by one."""
    log = read_price_log(DATA / PRICES)
    fields = contenders(options.policies)
    for job in options.jobs:
        scenario = build_scenario(experiment(job), log, DATA / RATES)
        scenario = replace(scenario, name=f"ep-{job}")
        for name in options.regimes or REGIMES_OF.get(job, OTHER_REGIMES):
            regime = REGIMES[name]
            label = f"{job}, {name}{' (synthetic)' if regime.synthetic else ''}"
            yield label, one(scenario, regime, fields, options)
        if job in ABLATED and not (options.no_ablations or options.quick):
            yield f"{job}, {ABLATED[job]}, ablations", one(scenario, REGIMES[ABLATED[job]], ablations(), options)


def broken(documents: Sequence[dict[str, Any]]) -> list[str]:
    """Promises not kept: budgets exceeded by a policy that has the ledger."""
    return [
        f"{document['experiment']} {document['regime']}: {row['policy']} exceeded the budget"
        for document in documents
        for row in document["policies"]
        if row["budget_violations"] and row["policy"] != NO_LEDGER
    ]


def write(results: dict[str, Any]) -> None:
    """Keep the results for the documentation and for the next comparison."""
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print, write; 1 when a promise was broken."""
    options = parse(arguments)
    console = Console(width=200)
    documents = []
    for title, document in tables(options):
        show(title, document, console)
        documents.append({"title": title, **document})
        if not options.quick:  # after every table: an interrupted benchmark keeps what it has
            write({"runs": options.runs, "seed": options.seed, "tables": documents})
    problems = broken(documents)
    print("\n".join(problems) or f"budgets kept and the optimum undercut by no run, {options.runs} seeds per table")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
