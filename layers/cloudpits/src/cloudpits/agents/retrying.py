"""Trying again what the cloud refused, where giving up would cost the run."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from cloudpits.domain.errors import AccessError, CloudError
from cloudpits.domain.ports import Clock

logger = logging.getLogger(__name__)
_Result = TypeVar("_Result")

ATTEMPTS = 6
PAUSE_S = 5.0  # doubled after each failed attempt: two and a half minutes in all


def persistently(clock: Clock, action: Callable[[], _Result]) -> _Result:
    """The result of ``action``, tried a few times; the last CloudError, or at once one that time does not heal."""
    pause_s = PAUSE_S
    for _ in range(ATTEMPTS - 1):
        try:
            return action()
        except AccessError:
            raise
        except CloudError as error:
            logger.warning("%s; trying again in %.0f s", error, pause_s)
        clock.sleep(pause_s)
        pause_s *= 2
    return action()
