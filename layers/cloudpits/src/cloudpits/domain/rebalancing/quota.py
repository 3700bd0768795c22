"""What a refusal for quota says: AWS counts vCPUs by group of families and market, over all zones of a region."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from cloudpits.domain.model import InstanceType, Pool

# Groups of families that share a quota (EC2 user guide, "Amazon EC2 service quotas"); others count by themselves.
_STANDARD = frozenset({"a", "c", "d", "h", "i", "im", "is", "m", "r", "t", "z"})
_GRAPHICS = frozenset({"g", "gr", "vt"})


def quota_group(instance_type: str) -> str:
    """The group of families that ``instance_type`` is counted in: ``standard``, ``graphics``, or its own letters."""
    letters = re.match(r"[a-z]*", instance_type)
    family = letters.group() if letters else ""
    if family in _STANDARD:
        return "standard"
    return "graphics" if family in _GRAPHICS else family


def as_large(pool: Pool, types: Mapping[str, InstanceType], pools: Iterable[Pool]) -> list[Pool]:
    """Those of ``pools`` in which one worker needs no less of the quota that had no room for one in ``pool``."""
    refused = types.get(pool.instance_type)
    if refused is None:
        return [pool]
    group = quota_group(pool.instance_type)
    return [
        other
        for other in pools
        if other.market is pool.market
        and other.instance_type in types
        and types[other.instance_type].vcpus >= refused.vcpus
        and quota_group(other.instance_type) == group
    ]
