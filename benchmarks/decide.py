"""How long one decision takes: pure Python, one process, synthetic worlds of growing size.

Prints milliseconds of processor time and writes ``results/decide.json``. The first decision of a run (nothing
is running, so the whole front is searched) and a later one (a fleet is running, prices moved) are told apart.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from statistics import median

from cloudpits.domain.decision import decide
from cloudpits.domain.model import (
    InstanceType,
    Job,
    JobManager,
    Limits,
    Market,
    Mode,
    Offer,
    Pool,
    RateSample,
    Settings,
    Snapshot,
    Worker,
    WorkerReport,
    WorkerState,
)
from cloudpits.domain.policies import registry

RESULTS = Path(__file__).resolve().parent / "results" / "decide.json"
NOW = 1_600_000_000.0
REPETITIONS = 30
SIZES = ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge", "24xlarge", "metal", "48xlarge")


@dataclass(frozen=True)
class Case:
    """A world of ``types`` × ``zones`` spot pools with ``workers`` workers; ``limit_ms`` is the target."""

    name: str
    workers: int
    types: int
    zones: int
    limit_ms: float


CASES = (
    Case("typical cycle", 20, 31, 6, 0.7),
    Case("50 workers, 200 pools", 50, 40, 5, 5.0),
    Case("1,000 workers, 1,800 pools", 1000, 300, 6, 50.0),
)


def world(case: Case) -> Snapshot:
    """A synthetic run half an hour old; prices and rates are drawn from a fixed seed."""
    random = Random(7)  # noqa: S311 - a benchmark's world, not a secret
    names = [f"{family}{number // 10}.{SIZES[number % 10]}" for number in range(case.types) for family in "c"]
    kinds = {
        name: InstanceType(name, 2 << (k % 6), "x86_64", 3.1, 1 << (k % 6), 8.0, 0, 0.05 * (2 << (k % 6)))
        for k, name in enumerate(names)
    }
    rates = {name: kind.vcpus * random.uniform(0.8, 1.2) for name, kind in kinds.items()}
    pools = [Pool(name, f"us-east-1{zone}", Market.SPOT) for name in names for zone in "abcdef"[: case.zones]]
    offers = {pool: _offer(pool, kinds[pool.instance_type], random) for pool in pools}
    per_task = {pool: offer.usd_per_hour / rates[pool.instance_type] for pool, offer in offers.items()}
    fleet_pools = sorted(pools, key=lambda pool: per_task[pool])[:3]  # what a good policy has running
    return Snapshot(
        taken_at=NOW,
        started_at=NOW - 1800.0,
        job=Job(10_000_000, 1000),
        limits=Limits(Mode.MIN_COST, 1e6, 36 * 3600.0, case.workers + 10),
        settings=Settings(volume_usd_per_hour=0.002),
        types=kinds,
        offers=offers,
        fleet=tuple(_worker(k, fleet_pools[k % 3], kinds, rates) for k in range(case.workers)),
        job_manager=JobManager(0.085, NOW - 1800.0, "i-jm"),
        spent_usd=1.0,
        history=tuple(RateSample(name, rate, 0.02 * rate, 5) for name, rate in rates.items()),
        measured=tuple(RateSample(p.instance_type, rates[p.instance_type], 0.1, 4) for p in fleet_pools),
    )


def _offer(pool: Pool, kind: InstanceType, random: Random) -> Offer:
    full = kind.on_demand_usd_per_hour or 1.0
    return Offer(pool, full * random.uniform(0.3, 0.5), full, 0.001)


def _worker(number: int, pool: Pool, kinds: dict[str, InstanceType], rates: dict[str, float]) -> Worker:
    rate = rates[pool.instance_type]
    report = WorkerReport(rate, 0.01 * rate, 100, NOW)
    ceiling = kinds[pool.instance_type].on_demand_usd_per_hour or 1.0
    return Worker(f"i-{number}", pool, WorkerState.RUNNING, NOW - 1500.0, ceiling, NOW - 1400.0, report)


def moved(snapshot: Snapshot, step: int) -> Snapshot:
    """The same world ``step`` cycles later, every price moved by a tenth of a percent."""
    factor = 1.0 + 0.001 * (-1) ** step
    offers = {pool: replace(o, usd_per_hour=o.usd_per_hour * factor) for pool, o in snapshot.offers.items()}
    return replace(snapshot, taken_at=snapshot.taken_at + 300.0 * step, offers=offers)


def timed(snapshots: list[Snapshot]) -> list[float]:
    """Milliseconds of processor time per decision."""
    policy = registry.get(registry.DEFAULT)
    result = []
    for snapshot in snapshots:
        start = time.process_time()
        decide(snapshot, policy, snapshot.taken_at)
        result.append(1e3 * (time.process_time() - start))
    return result


def measure(case: Case) -> dict[str, object]:
    """Later and first decisions of one case."""
    base = world(case)
    later = timed([moved(base, step) for step in range(REPETITIONS)])
    fresh = replace(base, fleet=(), measured=(), job_manager=JobManager(0.085), spent_usd=0.0, started_at=NOW)
    first = timed([moved(fresh, step) for step in range(5)])
    return {
        "case": case.name,
        "workers": case.workers,
        "pools": len(base.offers),
        "median_ms": round(median(later[1:]), 3),
        "max_ms": round(max(later), 3),
        "first_decision_ms": round(median(first), 3),
        "limit_ms": case.limit_ms,
        "within": median(later[1:]) <= case.limit_ms,
    }


def main() -> None:
    """Run all cases, print the table, write the file."""
    rows = [measure(case) for case in CASES]
    print(f"{'decision':28} {'pools':>6} {'median':>9} {'largest':>9} {'first':>9} {'target':>8}  (ms)")
    for row in rows:
        print(
            f"{row['case']:28} {row['pools']:>6} {row['median_ms']:>9} {row['max_ms']:>9} "
            f"{row['first_decision_ms']:>9} {row['limit_ms']:>8}"
        )
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"unit": "ms of processor time", "cases": rows}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
