"""How fast each instance type of the embedded cloud is, as a share of one core of this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cloudpits.domain.errors import InvalidInputError
from cloudpits.domain.model import InstanceType, RateSample

FASTEST_SHARE = 0.25  # of a core, for the fastest type when no table says what types do
LARGEST_SHARE = 0.9  # above it the machine could not keep up with what the table promises


@dataclass(frozen=True, slots=True)
class Speeds:
    """Share of a core per instance type. A type that no table lists is as fast as the slowest that one does."""

    shares: Mapping[str, float]

    def share(self, instance_type: str) -> float:
        return self.shares.get(instance_type) or min(self.shares.values())


def speeds_from_table(table: Sequence[RateSample], cpu_s_per_task: float, scale: float) -> Speeds:
    """Shares at which types reach the tasks/s (of market time) of ``table``; InvalidInputError if none can.

    A task takes ``cpu_s_per_task`` seconds of one core; market time runs ``scale`` times as fast as real time.
    """
    shares = {sample.instance_type: sample.mean * scale * cpu_s_per_task for sample in table}
    fastest = max(shares, key=lambda name: shares[name])
    if shares[fastest] > LARGEST_SHARE:
        raise InvalidInputError(
            f"--time-scale {scale:g}: {fastest} would need {shares[fastest]:.1f} cores of this machine; "
            f"use at most {scale * LARGEST_SHARE / shares[fastest]:.0f}"
        )
    return Speeds(shares)


def speeds_from_facts(types: Mapping[str, InstanceType]) -> Speeds:
    """Shares in proportion to vCPUs × clock, when nothing was measured."""
    power = {kind.name: kind.vcpus * (kind.clock_ghz or 2.5) for kind in types.values()}
    fastest = max(power.values())
    return Speeds({name: FASTEST_SHARE * value / fastest for name, value in power.items()})
