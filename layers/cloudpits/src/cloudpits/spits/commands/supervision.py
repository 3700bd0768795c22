"""Starting a command again when it dies."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Final

from cloudpits.spits.errors import InputError, WorkersLostError
from cloudpits.spits.processes import describe_exit

_log = logging.getLogger(__name__)
_FINAL: Final = {0, InputError.exit_code, WorkersLostError.exit_code}
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 5.0


def supervise(run: Callable[[], int], max_restarts: int) -> int:
    """Run ``run`` in a child, again when it dies; passes SIGTERM and SIGINT on. The last exit status."""
    for restart in range(max_restarts + 1):
        status = _run_in_child(run)
        code = os.waitstatus_to_exitcode(status)
        if code in _FINAL:
            return code
        _log.error("the task manager %s; restart %d of %d", describe_exit(status), restart + 1, max_restarts)
        time.sleep(min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2**restart))
    return WorkersLostError.exit_code


def _run_in_child(run: Callable[[], int]) -> int:
    pid = os.fork()
    if pid == 0:
        sys.exit(run())

    def pass_on(number: int, _: FrameType | None) -> None:
        os.kill(pid, number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, pass_on)
    return os.waitpid(pid, 0)[1]
