"""Children forked to run a program apart from the process that manages them."""

from __future__ import annotations

import ctypes
import os
import signal
import traceback
from collections.abc import Callable
from typing import Final

from cloudpits.spits import output

_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h
_STDERR: Final = 2
_HIGHEST_DESCRIPTOR: Final = 65536


def fork_child(keep: int, work: Callable[[], int]) -> int:
    """Fork a child that runs ``work`` and exits with what it returns; the child's pid.

    Of the parent's files it keeps the standard ones and ``keep``, so no connection stays open because of it. Signals
    for the group (Ctrl-C, SIGTERM) are the parent's to act on; the child dies when the parent does.
    """
    output.flush()
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        os.closerange(_STDERR + 1, keep)
        os.closerange(keep + 1, _HIGHEST_DESCRIPTOR)
        if os.getppid() == parent:
            status = work()
    except BaseException:  # noqa: BLE001 - the child ends here, whatever happened
        traceback.print_exc()
    finally:
        output.flush()
        os._exit(status)


def describe_exit(wait_status: int) -> str:
    """Why a child ended, from ``waitpid``."""
    if os.WIFSIGNALED(wait_status):
        return f"was killed by {signal.Signals(os.WTERMSIG(wait_status)).name}"
    return f"exited with status {os.waitstatus_to_exitcode(wait_status)}"
