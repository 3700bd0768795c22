"""Trying again what the cloud refused, where giving up would cost the run."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from cloudpits.domain.errors import AccessError, CloudError, CloudPitsError, InvalidInputError
from cloudpits.domain.ports import Clock

logger = logging.getLogger(__name__)
_Result = TypeVar("_Result")

ATTEMPTS = 6
PAUSE_S = 5.0  # doubled after each failed attempt: two and a half minutes in all
# An instance gets its credentials from the metadata service: when that was slow, the next attempt,
# or the next instance, has them.
UNAUTHENTICATED = frozenset(
    {"NoCredentialsError", "PartialCredentialsError", "ExpiredToken", "ExpiredTokenException", "RequestExpired"}
)
MISSING = frozenset({"404", "NoSuchKey", "NoSuchBucket", "ParameterNotFound"})


def hopeless(error: CloudPitsError) -> bool:
    """Whether trying again, here or on another instance, must end in the same way."""
    if isinstance(error, CloudError) and error.code in UNAUTHENTICATED:
        return False
    if isinstance(error, InvalidInputError | AccessError):
        return True
    return isinstance(error, CloudError) and error.code in MISSING


def persistently(clock: Clock, action: Callable[[], _Result]) -> _Result:
    """The result of ``action``, tried a few times; the last CloudError, or at once one that time does not heal."""
    pause_s = PAUSE_S
    for _ in range(ATTEMPTS - 1):
        try:
            return action()
        except CloudError as error:
            if hopeless(error):
                raise
            logger.warning("%s; trying again in %.0f s", error, pause_s)
        clock.sleep(pause_s)
        pause_s *= 2
    return action()
