"""A kind of worker that a fleet may contain: what it costs, what it computes, how many there may be."""

from __future__ import annotations

from typing import NamedTuple

from cloudpits.domain.model import Pool
from cloudpits.domain.planning.goal import Totals

MANY = 1 << 30


class Option(NamedTuple):
    """Workers of one pool. ``rate`` is net of interruption losses; ``running`` ones exist already.

    ``usd_per_s`` includes storage; ``ceiling`` is the most that a second can cost (USD).
    ``bound`` is the most there may be: free capacity of a pool, or how many are running.
    """

    pool: Pool
    usd_per_s: float
    rate: float
    cautious: float
    start_up_s: float
    vcpus: int
    bound: int = MANY
    ceiling: float = 0.0
    spread: float = 0.0
    running: bool = False

    @property
    def usd_per_task(self) -> float:
        return self.usd_per_s / self.rate

    def added_to(self, fleet: Totals, count: int) -> Totals:
        """The fleet with ``count`` more of these (fewer, if negative)."""
        gained = count * self.rate
        return Totals(
            fleet.workers + count,
            fleet.vcpus + count * self.vcpus,
            fleet.usd_per_s + count * self.usd_per_s,
            fleet.rate + gained,
            fleet.cautious + count * self.cautious,
            fleet.boot_tasks + gained * self.start_up_s,
            fleet.ceiling + count * self.ceiling,
        )
