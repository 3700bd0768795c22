"""The job manager's status tells what each task manager committed, also of those that are no longer there."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

from tests.waiting import until


def test_results_of_one_that_left_are_still_told(cluster: Any, trial_module: Path) -> None:
    arguments = "20 0 0 1 once-hang 7"
    leaving = cluster.task_manager(trial_module, arguments, "--grace", 0.1)
    job = cluster.job_manager(trial_module, arguments, "--status", "status.json")
    until(lambda: cluster.status().get("tasks_committed") == 6)
    (name,) = cluster.status()["nodes"]
    leaving.signal(signal.SIGTERM)
    assert leaving.wait() == 0
    until(lambda: cluster.status()["nodes"].get(name) == {"alive": False, "committed": 6, "in_flight": 0})
    cluster.task_manager(trial_module, arguments)
    assert job.wait() == 0
    assert sorted(node["committed"] for node in cluster.status()["nodes"].values()) == [6, 14]
