"""What every policy is: a name and a pure function from a snapshot to a plan."""

from __future__ import annotations

from typing import Protocol

from cloudpits.domain.commands import Plan
from cloudpits.domain.model import Snapshot


class Policy(Protocol):
    """A way to choose commands. It need not care for the budget: ``decide`` guards every policy alike."""

    @property
    def name(self) -> str: ...

    def propose(self, snapshot: Snapshot) -> Plan:
        """Commands wished for, most valuable first, with reasons; and the memory for the next cycle."""
        ...
