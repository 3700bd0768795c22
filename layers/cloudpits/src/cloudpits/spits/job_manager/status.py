"""What a job manager tells about its job: the status file and its metrics."""

from __future__ import annotations

import os
import time
from pathlib import Path

from cloudpits.spits.files import write_atomically
from cloudpits.spits.job_manager.bag import Counters
from cloudpits.spits.job_manager.registry import Registry
from cloudpits.spits.metrics import MetricBook


class JobStatus:
    """Progress of a job. ``total`` is the number of tasks if known."""

    def __init__(self, file: Path | None, total: int | None) -> None:
        self.counters = Counters()
        self.state = "starting"
        self.message = ""
        self.total = total
        self._file = file
        self._book = MetricBook(time.time)
        self._book.set("jm_start_time", int(time.time()))

    def committer_started(self) -> None:
        """A committer was made."""
        self._book.set("co_start_time", int(time.time()))

    def write(self, registry: Registry) -> None:
        """Write the status file, if one was asked for."""
        if self._file is None:
            return
        known = self.total
        write_atomically(
            self._file,
            {
                "state": self.state,
                "tasks_total": None if known is None else max(known, self.counters.generated),
                "tasks_generated": self.counters.generated,
                "tasks_committed": self.counters.committed,
                "tasks_quarantined": list(self.counters.quarantined),
                "message": self.message,
                "nodes": registry.report(),
                "pid": os.getpid(),
            },
        )

    def metrics(self) -> dict[str, object]:
        """The runtime's own metrics, with a fresh sample of each."""
        counters = self.counters
        self._book.set("tasks_generated", counters.generated)
        self._book.set("tasks_sent", counters.sent)
        self._book.set("tasks_commited", counters.committed)
        self._book.set("results_error", counters.errors)
        self._book.set("results_discarded", counters.discarded)
        return self._book.as_json()
