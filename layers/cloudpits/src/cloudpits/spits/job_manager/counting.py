"""Counting the tasks of a program's first bag by a dry run, in a process of its own.

The child runs ``spits_main`` as far as its first ``runner`` call and asks for tasks there without keeping them.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from cloudpits.spits.errors import JobFailedError
from cloudpits.spits.processes import describe_exit, fork_child
from cloudpits.spits.programs.interface import Program


class BackgroundCount:
    """A dry run in progress; ``load`` gives the program and is called in the child. Fork before starting threads.

    What the program prints in it goes to stderr, or nowhere if ``quiet``: a job beside it prints the same.
    """

    def __init__(self, load: Callable[[], Program], *, quiet: bool = False) -> None:
        self._pipe, writing = os.pipe()
        self._pid = fork_child(writing, lambda: _count(load, writing, quiet=quiet))
        os.close(writing)
        self._result: int | None = None
        self._ended = False

    def poll(self) -> int | None:
        """The number of tasks, once known."""
        if not self._ended and select.select([self._pipe], [], [], 0)[0]:
            with contextlib.suppress(JobFailedError):
                self._result = self.wait()
        return self._result

    def wait(self) -> int:
        """The number of tasks; ``JobFailedError`` if the program ended without telling."""
        with os.fdopen(self._pipe, "rb") as file:
            text = file.read()
        self._ended = True
        _, status = os.waitpid(self._pid, 0)
        if not text:
            raise JobFailedError(f"counting tasks: the program {describe_exit(status)} before it told its tasks")
        return int(text)

    def cancel(self) -> None:
        """Stop counting."""
        if not self._ended:
            self._ended = True
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
            os.close(self._pipe)


def _count(load: Callable[[], Program], answer: int, *, quiet: bool) -> int:
    """In the child: load the program, run it as far as its tasks, and write their number to the file ``answer``."""
    printed = os.open(os.devnull, os.O_WRONLY) if quiet else sys.stderr.fileno()
    os.dup2(printed, sys.stdout.fileno())
    program = load()

    def tell(count: int) -> NoReturn:
        os.write(answer, str(count).encode())
        os._exit(0)

    def runner(arguments: Sequence[str], jobinfo: bytes) -> NoReturn:
        source = program.job_manager(arguments, jobinfo)
        task_id = 1
        while source.next_task(task_id) is not None:
            task_id += 1
        tell(task_id - 1)

    program.main(runner)
    tell(0)
