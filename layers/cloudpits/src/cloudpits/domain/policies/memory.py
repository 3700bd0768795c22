"""What mpc remembers from one decision to the next: JSON-able, small, and forgotten when it is old."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cloudpits.domain.model import Market, Pool, Snapshot
from cloudpits.domain.rebalancing.exploration import Probe

FORGET_S = 3600.0  # after which a notice says nothing about its pool


@dataclass(frozen=True, slots=True)
class Memory:
    """``taken``: (instance id, type, zone, instant) of interruption notices; ``probed``: types tried out.

    ``explored_usd`` is the price of all probes; ``certified`` whether the completion certificate once held with
    slack to spare; ``on_demand`` whether the run fell back to the on-demand market.
    """

    taken: tuple[tuple[str, str, str, float], ...] = ()
    probed: tuple[str, ...] = ()
    explored_usd: float = 0.0
    certified: bool = False
    on_demand: bool = False

    @classmethod
    def of(cls, snapshot: Snapshot) -> Memory:
        """As stored, with the snapshot's new notices; empty if what is stored is not this policy's."""
        try:
            memory = cls._read(snapshot.memory)
        except (TypeError, ValueError, ArithmeticError):
            memory = cls()
        return memory._noting(snapshot)

    @classmethod
    def _read(cls, stored: Mapping[str, Any]) -> Memory:
        memory = cls(
            taken=tuple(_notice(item) for item in stored.get("taken", ())),
            probed=tuple(str(name) for name in stored.get("probed", ())),
            explored_usd=float(stored.get("explored_usd", 0.0)),
            certified=bool(stored.get("certified", False)),
            on_demand=bool(stored.get("on_demand", False)),
        )
        if not memory.explored_usd >= 0.0:
            raise ValueError(f"explored_usd: {memory.explored_usd} is not a sum of money")
        return memory

    def _noting(self, snapshot: Snapshot) -> Memory:
        now = snapshot.taken_at
        if not self.taken and all(worker.notice_at is None for worker in snapshot.fleet):
            return self
        known = {name for name, *_ in self.taken}
        new = tuple(
            (worker.instance_id, worker.pool.instance_type, worker.pool.availability_zone, now)
            for worker in snapshot.fleet
            if worker.notice_at is not None and worker.instance_id not in known
        )
        recent = tuple(item for item in self.taken if now - item[3] < FORGET_S)
        return replace(self, taken=recent + new)

    def after(self, probe: Probe) -> Memory:
        """The memory once the probe is launched."""
        return replace(
            self,
            probed=(*self.probed, probe.option.pool.instance_type),
            explored_usd=self.explored_usd + probe.price_usd,
        )

    def refusals(self) -> list[tuple[Pool, float]]:
        """Notices in the form of capacity errors: a pool that takes workers back has none to give."""
        return [(Pool(name, zone, Market.SPOT), at) for _, name, zone, at in self.taken]

    def stored(self) -> Mapping[str, Any]:
        """The JSON-able form; empty when there is nothing to remember."""
        values = {
            "taken": [list(item) for item in self.taken],
            "probed": list(self.probed),
            "explored_usd": self.explored_usd,
            "certified": self.certified,
            "on_demand": self.on_demand,
        }
        return {key: value for key, value in values.items() if value}


def _notice(item: Any) -> tuple[str, str, str, float]:
    name, kind, zone, at = item
    return str(name), str(kind), str(zone), float(at)
