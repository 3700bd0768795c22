"""Hands the market clock down to child processes as the environment variables that ``config.environment`` reads."""

from __future__ import annotations

import time

from cloudpits.adapters.aws.clock import ScaledClock
from cloudpits.config.environment import PREFIX


def starting_at(market_origin: float, scale: float) -> ScaledClock:
    """A clock that shows ``market_origin`` (seconds since the epoch) now and runs ``scale`` times as fast."""
    return ScaledClock(real_origin=time.time(), market_origin=market_origin, scale=scale)


def clock_environment(clock: ScaledClock) -> dict[str, str]:
    """Variables from which ``clock_from`` builds the same clock in another process."""
    return {
        f"{PREFIX}CLOCK_REAL_ORIGIN": repr(clock.real_origin),
        f"{PREFIX}CLOCK_MARKET_ORIGIN": repr(clock.market_origin),
        f"{PREFIX}CLOCK_SCALE": repr(clock.scale),
    }
