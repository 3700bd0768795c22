"""Figures as people read them, for the reasons of commands."""

from __future__ import annotations

import math

from cloudpits.domain.model import SECONDS_PER_HOUR

_UNITS = ((1.0, "task"), (1e3, "thousand tasks"), (1e6, "million tasks"), (1e9, "billion tasks"))
_MINUTE_S = 60.0
_CENT = 0.1


def usd(amount: float) -> str:
    """Money with as many digits as matter: ``1.23 USD``, ``0.0041 USD``."""
    if not math.isfinite(amount):
        return "no amount of USD"
    return f"{amount:.2f} USD" if abs(amount) >= _CENT else f"{amount:.4f} USD"


def usd_per_tasks(usd_per_task: float) -> str:
    """Cost of work: ``41.2 USD per million tasks``."""
    for count, unit in _UNITS:
        if usd_per_task * count >= _CENT or unit == _UNITS[-1][1]:
            return f"{usd_per_task * count:.3g} USD per {unit}"
    raise AssertionError("the last unit always fits")


def duration(seconds: float) -> str:
    """Time in the unit that fits: ``45 s``, ``12 min``, ``3.4 h``."""
    if not math.isfinite(seconds):
        return "for ever"
    if seconds < 2 * _MINUTE_S:
        return f"{seconds:.0f} s"
    if seconds < 2 * SECONDS_PER_HOUR:
        return f"{seconds / _MINUTE_S:.0f} min"
    return f"{seconds / SECONDS_PER_HOUR:.1f} h"
