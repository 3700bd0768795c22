"""Which promise holds, in words, with its figures."""

from __future__ import annotations

import math

from cloudpits.domain.guard.budget import Purse
from cloudpits.domain.model import Snapshot
from cloudpits.domain.wording import usd


def guarantee(snapshot: Snapshot, purse: Purse) -> str:
    """What can be promised about the spend from this decision on."""
    if math.isinf(purse.limit_usd):
        return "no budget was given, so none is guaranteed"
    if purse.committed_usd > purse.limit_usd:
        return (
            f"the budget of {usd(purse.limit_usd)} cannot be promised any more: {usd(snapshot.spent_usd)} are spent "
            f"and ending everything may cost {usd(purse.committed_usd - snapshot.spent_usd)}"
        )
    return (
        f"spending stays within {usd(purse.limit_usd)} as long as no instance costs more than the maximum price of "
        f"its request: {usd(snapshot.spent_usd)} are spent, at most {usd(purse.committed_usd - snapshot.spent_usd)} "
        f"more are committed until the next decision has ended what it must"
    )
