"""static-best: one fixed mix for the whole run, refilled when it is interrupted, never rebalanced.

As a yardstick the mix is given (the best in hindsight); without one it is what the optimiser chooses at the
start from what is known then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cloudpits.domain.commands import Plan
from cloudpits.domain.errors import InvalidInputError
from cloudpits.domain.model import Market, Pool, Snapshot
from cloudpits.domain.policies.optimised import best_fixed, refill

MIX = "mix"  # key of the memory: [type, zone, market, count] of the mix chosen at the start


@dataclass(frozen=True, slots=True)
class StaticBest:
    """Keep ``mix`` (pool, count) running."""

    mix: tuple[tuple[Pool, int], ...] = ()
    name: str = "static-best"

    def propose(self, snapshot: Snapshot) -> Plan:
        mix = self.mix or _remembered(snapshot)
        why = "it belongs to the fixed mix"
        if not mix:
            choice = best_fixed(snapshot, lambda _: True)
            if choice is None:
                return Plan((), snapshot.memory)
            mix = choice.pools
        memory = {MIX: [[p.instance_type, p.availability_zone, str(p.market), count] for p, count in mix]}
        return Plan(tuple(refill(snapshot, mix, why)), memory)


def _remembered(snapshot: Snapshot) -> tuple[tuple[Pool, int], ...]:
    stored: Iterable[tuple[str, str, str, int]] = snapshot.memory.get(MIX, ())
    return tuple((Pool(name, zone, Market(market)), count) for name, zone, market, count in stored)


def static_best(mix: Mapping[Pool, int] | Iterable[tuple[Pool, int]] = ()) -> StaticBest:
    """The policy for a mix; InvalidInputError for counts that are not positive."""
    pairs = tuple(mix.items() if isinstance(mix, Mapping) else mix)
    for pool, count in pairs:
        if count <= 0:
            raise InvalidInputError(f"policy static-best: mix: {pool} has count {count}; give at least 1")
    return StaticBest(pairs)
