"""Whose results were committed: per instance, although the job manager counts per address."""

from __future__ import annotations

from collections.abc import Mapping

from cloudpits.agents.statuses import NodeStatus


class Tally:
    """Tasks committed per instance id; survives workers that leave, addresses that are reused, counters that restart.

    ``before`` is what an earlier job manager of the run published.
    """

    def __init__(self, before: Mapping[str, int] | None = None) -> None:
        self._committed = dict(before or {})
        self._seen: dict[str, int] = {}  # address → the job manager's counter when last looked at
        self._owner: dict[str, str] = {}  # address → instance id

    def assign(self, address: str, instance_id: str) -> None:
        """From now on results from ``address`` (``host:port``) are those of ``instance_id``."""
        self._owner[address] = instance_id

    def update(self, nodes: Mapping[str, NodeStatus]) -> None:
        """Count what the nodes committed since the last time."""
        for address, node in nodes.items():
            seen, owner = self._seen.get(address, 0), self._owner.get(address)
            new = node.committed - seen if node.committed >= seen else node.committed
            self._seen[address] = node.committed
            if owner is not None:
                self._committed[owner] = self._committed.get(owner, 0) + new

    def by_instance(self) -> dict[str, int]:
        """Tasks committed, per instance id."""
        return dict(self._committed)
