"""What other policies would have spent on the same prices with the same machines: the final table's yardsticks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cloudpits.config.experiment import Experiment
from cloudpits.domain.errors import CloudPitsError
from cloudpits.simulation.simulate import simulate

POLICIES = ("threshold-2019", "cheapest-on-demand")
RUNS = 3  # simulated runs a policy; a yardstick, not a benchmark


def yardsticks(experiment: Experiment, prices: Path, speeds: Path) -> list[dict[str, Any]]:
    """Mean cost (USD) and makespan (s) per policy, simulated with the speeds that the machines really have.

    A policy that cannot keep the limits is left out.
    """
    found = []
    for policy in (experiment.rebalance.policy, *POLICIES):
        try:
            document = simulate(experiment, prices, policy=policy, performance=speeds, runs=RUNS, jobs=1)
        except CloudPitsError:
            continue
        (figures,) = document["by_limit"]
        found.append(
            {
                "policy": policy,
                "cost_usd": figures["cost_usd"]["mean"],
                "makespan_s": figures["makespan_s"]["mean"],
                "completed_share": figures["completed_share"],
            }
        )
    return found
