"""Sums up runs for people and for ``--json``: figures over seeds, counts of what went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cloudpits.simulation.results import RunResult

Document = dict[str, Any]
_REASONS = 3  # that are told why runs were refused or given up


def figures(values: Sequence[float]) -> Document:
    """Mean, median, 95th percentile and maximum; all None for no values at all."""
    if not values:
        return dict.fromkeys(("mean", "p50", "p95", "max"))
    return {
        "mean": float(np.mean(values)),
        "p50": float(np.percentile(values, 50)),
        "p95": float(np.percentile(values, 95)),
        "max": float(np.max(values)),
    }


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def summarise(runs: Sequence[RunResult]) -> Document:
    """Figures over all runs, failed ones included; counts are totals over the runs."""
    done = [run for run in runs if run.completed]
    forecasts = [run.forecast_usd / run.cost_usd for run in done if run.forecast_usd is not None and run.cost_usd > 0]
    return {
        "cost_usd": figures([run.cost_usd for run in runs]),
        "makespan_s": figures([run.makespan_s for run in runs]),
        "completed_share": len(done) / len(runs) if runs else 0.0,
        "budget_violations": sum(run.budget_violation for run in runs),
        "deadline_misses": sum(run.deadline_missed for run in runs),
        "interruptions": sum(run.interruptions for run in runs),
        "replacements": sum(run.replacements for run in runs),
        "launches": sum(run.launches for run in runs),
        "launch_failures": sum(run.launch_failures for run in runs),
        "boot_share": _mean([run.boot_share for run in runs]),
        "exploration_usd": _mean([run.exploration_usd for run in runs]),
        "forecast_to_actual_cost": figures(forecasts),
        "refused": sorted({run.refused for run in runs if run.refused})[:_REASONS],
    }
