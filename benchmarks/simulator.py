"""How fast the simulator is: reading a log, one simulated cycle, a thousand ten-hour runs.

    python benchmarks/simulator.py            # a minute or two
    python benchmarks/simulator.py --quick

The yardstick for a cycle is the 0.7 s that the simulator of the original CloudPITS took with 31 types in 6 zones.
Writes benchmarks/results/simulator.json (not with --quick). All times are wall-clock; ``cpu`` marks process time.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from cloudpits.config.experiment import parse_experiment
from cloudpits.domain.policies import registry
from cloudpits.simulation.build import build_scenario
from cloudpits.simulation.engine import play
from cloudpits.simulation.prices import PriceLog, read_price_log
from cloudpits.simulation.realisation import realise
from cloudpits.simulation.scenario import REGIMES, Scenario
from cloudpits.simulation.sweep import contenders, sweep

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "simulator.json"
DATA = Path(os.environ.get("CLOUDPITS_BENCH_DATA", ROOT / "examples" / "data"))
ORIGINAL_CYCLE_S = 0.7
PROMISED_SPEED_UP = 300.0
PROMISED_SWEEP_S = 60.0
HOURS = 10.0
GENEROUS_USD_PER_TASK = 1e-7
POLICIES = ("static-best", "lowest-price", "mpc")
EXPERIMENT = {
    "name": "ten-hours",
    "region": "us-east-1",
    "program": {"module": "libep.so", "tasks_total": 600_000_000},
    "limits": {"budget_usd": 60.0, "deadline_hours": 12.0, "max_workers": 20},
    "workers": {"instance_types": ["c5.*", "c5n.*", "m5n.*", "m5dn.*", "r5.*"]},
}


def reading() -> tuple[dict[str, Any], PriceLog]:
    """Best of three readings of the log."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        log = read_price_log(DATA / "us-east-1_2021-03_linux.tsv.xz")
        times.append(time.perf_counter() - began)
    return {"rows": log.rows, "seconds": min(times)}, log


def ten_hours(scenario: Scenario, policy: str) -> Scenario:
    """The job sized so that ``policy`` takes about ten hours for it."""
    for _ in range(6):  # a policy may answer a larger job with a larger fleet, so that one step is not enough
        limits = replace(scenario.limits, budget_usd=scenario.tasks_total * GENEROUS_USD_PER_TASK, deadline_s=None)
        scenario = replace(scenario, limits=limits)
        hours = play(realise(scenario, REGIMES["calm"], 0), registry.get(policy)).makespan_s / 3600.0
        if abs(hours - HOURS) < 0.1 * HOURS:
            break
        scenario = replace(scenario, tasks_total=int(scenario.tasks_total * (HOURS / hours) ** 1.5))
    return scenario


def cycle(scenario: Scenario, policy: str, seeds: int) -> dict[str, Any]:
    """Mean time of one simulated cycle, decision included."""
    cycles, spent = 0, 0.0
    for seed in range(seeds):
        world = realise(scenario, REGIMES["calm"], seed)
        began = time.process_time()
        cycles += play(world, registry.get(policy)).cycles
        spent += time.process_time() - began
    return {"policy": policy, "cpu_ms": 1000.0 * spent / cycles, "times_faster": ORIGINAL_CYCLE_S * cycles / spent}


def thousand(scenario: Scenario, policy: str, runs: int) -> dict[str, Any]:
    """A sweep on two processes, and what a thousand runs would take at that pace."""
    began = time.perf_counter()
    results = sweep(scenario, REGIMES["calm"], contenders([policy]), range(runs), jobs=2)
    took = time.perf_counter() - began
    hours = sum(result.runs[policy].makespan_s for result in results) / runs / 3600.0
    return {
        "policy": policy,
        "runs": runs,
        "mean_hours": hours,
        "seconds": took,
        "seconds_per_1000": took * 1000 / runs,
    }


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, write; always 0, because a shared machine's pace proves nothing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer runs; nothing is written")
    quick = parser.parse_args(arguments).quick
    read, log = reading()
    print(f"log of {read['rows']} rows read in {read['seconds']:.3f} s")
    base = build_scenario(parse_experiment(EXPERIMENT, "benchmark"), log, DATA / "npb-ep-C.csv")
    cycles, sweeps = [], []
    for policy in POLICIES:
        scenario = ten_hours(base, policy)
        cycles.append(cycle(scenario, policy, 2 if quick else 5))
        sweeps.append(thousand(scenario, policy, 20 if quick else 1000))
        print(
            f"{policy}: {cycles[-1]['cpu_ms']:.2f} ms a cycle ({cycles[-1]['times_faster']:.0f} × the original's pace, "
            f"promised {PROMISED_SPEED_UP:.0f}); 1000 runs of {sweeps[-1]['mean_hours']:.1f} h in "
            f"{sweeps[-1]['seconds_per_1000']:.0f} s (promised {PROMISED_SWEEP_S:.0f})"
        )
    if not quick:
        RESULTS.write_text(
            json.dumps({"log": read, "cycles": cycles, "sweeps": sweeps}, indent=1) + "\n", encoding="utf-8"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
