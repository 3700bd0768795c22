"""Random numbers that depend on what they are for, not on when they are drawn.

Every quantity of a simulated world (the boot time of the third instance of a pool, say) has its own stream,
named by the seed and a key. Two policies that meet the same situation under one seed meet the same luck.
"""

from __future__ import annotations

import hashlib
import random


def stream(seed: int, *key: object) -> random.Random:
    """An independent generator for ``key`` under ``seed``; equal arguments give equal draws on every machine."""
    name = "|".join((str(seed), *map(str, key)))
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return random.Random(int.from_bytes(digest))  # noqa: S311  # a reproducible simulation, not a secret


def uniform(seed: int, *key: object) -> float:
    """One number in [0, 1) for ``key``: cheaper than a generator when a single draw is needed."""
    name = "|".join((str(seed), *map(str, key)))
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest()) / 2.0**64
