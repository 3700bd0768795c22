"""The rates of all types of a run, as one state of knowledge estimates them; each column is worked out once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from cloudpits.domain.model import InstanceType


@dataclass(frozen=True, slots=True)
class RateEstimate:
    """Tasks/s of a type: ``rate`` is the one whose cost per task is expected, ``spread`` the sd of ln(rate)."""

    rate: float
    spread: float
    samples: int

    def at_least(self, sigmas: float) -> float:
        """Lower confidence bound: ``sigmas`` standard deviations below."""
        return self.rate * math.exp(-sigmas * self.spread)

    def at_most(self, sigmas: float) -> float:
        """Upper confidence bound."""
        return self.rate * math.exp(sigmas * self.spread)


class RateTable:
    """Columns by type name. Tables are compared by identity: one book makes one table for the same types."""

    def __init__(self, types: Mapping[str, InstanceType], estimate: Callable[[InstanceType], RateEstimate]) -> None:
        self.types = types
        self._estimate = estimate
        self._at_least: dict[float, Mapping[str, float]] = {}
        self._vague: dict[float, frozenset[str]] = {}

    @cached_property
    def estimates(self) -> Mapping[str, RateEstimate]:
        """What the other columns are made from."""
        return {name: self._estimate(kind) for name, kind in self.types.items()}

    def at_least(self, sigmas: float) -> Mapping[str, float]:
        """Tasks/s by type, ``sigmas`` standard deviations below the estimate."""
        known = self._at_least.get(sigmas)
        if known is None:
            known = {name: own.at_least(sigmas) for name, own in self.estimates.items()}
            self._at_least[sigmas] = known
        return known

    @cached_property
    def spreads(self) -> Mapping[str, float]:
        """Standard deviation of ln(rate) by type."""
        return {name: own.spread for name, own in self.estimates.items()}

    @cached_property
    def batches_s(self) -> Mapping[str, float]:
        """Seconds in which every slot (GPU, else vCPU) of a type computes one task."""
        return {name: (kind.gpus or kind.vcpus or 1) / self.estimates[name].rate for name, kind in self.types.items()}

    def vague(self, spread: float) -> frozenset[str]:
        """Types whose ln(rate) is less certain than ``spread``."""
        known = self._vague.get(spread)
        if known is None:
            known = self._vague[spread] = frozenset(name for name, own in self.spreads.items() if own > spread)
        return known
