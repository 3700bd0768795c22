"""Both agents with the real SPITS runtime: whole jobs, and what may happen to their instances meanwhile."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from cloudpits.domain.ports import Control
from tests.integration.agents.region import TASKS, until

pytestmark = pytest.mark.timeout(300)


THREE = ("perf_sec", "perf_sec_stdev", "tasks_completed")


def gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def test_a_job_runs_to_its_end_and_leaves_everything_in_s3(region: Any, expected: bytes) -> None:
    job_manager = region.launch("job-manager")
    first, second = workers = [region.launch("worker"), region.launch("worker")]
    second.stand_at_the_gate()
    region.compute(first, 2)
    second.gate.open()
    until(lambda: region.committed_by(second) >= 2, "the commit of two tasks of the second worker")
    first.gate.open()
    assert job_manager.wait() == 0
    assert [worker.wait() for worker in workers] == [0, 0]
    progress = region.channel.progress()
    assert (progress.state, progress.tasks_committed, progress.tasks_total) == ("completed", TASKS, TASKS)
    assert sum(progress.workers.values()) == TASKS
    assert set(progress.workers) == {worker.instance_id for worker in workers}
    assert region.output("result.txt") == expected
    assert expected.splitlines()[-1] in region.output("logs/spits-jm.log"), "what it printed"
    assert published_by(region) == {worker.instance_id for worker in workers}


def published_by(region: Any) -> set[str]:
    """Instances that published all three metrics under the names and dimensions that others rely on."""
    by_instance: dict[str, set[str]] = {}
    for metric in region.cloudwatch.list_metrics(Namespace="Performance")["Metrics"]:
        dimensions = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
        assert dimensions.keys() == {"Instance Id", "Type"}
        assert dimensions["Type"] == "c5.large"
        by_instance.setdefault(dimensions["Instance Id"], set()).add(metric["MetricName"])
    return {name for name, metrics in by_instance.items() if metrics == set(THREE)}


def test_a_worker_under_notice_drains_waits_to_be_taken_and_the_others_finish(region: Any, expected: bytes) -> None:
    job_manager, leaving, staying = (region.launch(role) for role in ("job-manager", "worker", "worker"))
    region.compute(leaving, 2)
    task_manager = leaving.pid()
    taken_at = leaving.metadata.facts.warned_until = leaving.host.clock.now() + 1800.0
    until(lambda: leaving.status()["state"] == "draining", "the drain")
    leaving.gate.open()
    until(lambda: region.committed_by(leaving) == 3, "the commit of the task it was running")
    until(lambda: gone(task_manager), "the end of the drain")
    leaving.look()
    assert not leaving.exit_code, "a worker that ends itself is billed"
    region.take_away(leaving)
    leaving.shutting_down.set()
    assert leaving.wait() == 0
    notice = region.channel.notices()[0]
    assert (notice.instance_id, notice.kind) == (leaving.instance_id, "interruption")
    assert notice.takes_effect_at == pytest.approx(taken_at, abs=1.0)
    staying.gate.open()
    assert job_manager.wait() == staying.wait() == 0
    assert region.output("result.txt") == expected


def test_a_killed_worker_costs_nothing_but_time(region: Any, expected: bytes) -> None:
    job_manager, lost, staying = (region.launch(role) for role in ("job-manager", "worker", "worker"))
    region.compute(lost, 3)
    region.take_away(lost)
    lost.shutting_down.set()
    os.kill(lost.pid(), signal.SIGKILL)
    staying.gate.open()
    assert job_manager.wait() == 0
    assert region.output("result.txt") == expected


def test_a_killed_job_manager_resumes_on_its_instance(region: Any, expected: bytes) -> None:
    job_manager, worker = region.launch("job-manager"), region.launch("worker")
    region.compute(worker, 6)
    os.kill(job_manager.pid(), signal.SIGKILL)
    worker.gate.open()
    assert job_manager.wait() == 0
    assert region.channel.progress().state == "completed"
    assert region.output("result.txt") == expected


def test_a_replaced_job_manager_resumes_from_the_shipped_journal(region: Any, expected: bytes) -> None:
    first, worker = region.launch("job-manager"), region.launch("worker")
    region.compute(worker, 6)
    first.shutting_down.set()
    assert first.wait() == 0
    region.take_away(first)
    assert (region.channel.progress().state, region.committed()) == ("running", 6)
    second = region.launch("job-manager")
    worker.gate.open()
    assert second.wait() == worker.wait() == 0
    progress = region.channel.progress()
    assert progress.tasks_committed == TASKS
    assert region.output("result.txt") == expected
    assert sum(progress.workers.values()) == TASKS, "what was committed before was not computed again"


def test_stop_ends_everybody(region: Any) -> None:
    job_manager, worker = region.launch("job-manager"), region.launch("worker")
    region.compute(worker, 3)
    programs = [job_manager.pid(), worker.pid()]
    region.channel.publish_control(Control(heartbeat_at=worker.host.clock.now(), lease_s=1800.0, stop=True))
    assert job_manager.wait() == worker.wait() == 0
    assert region.channel.progress().state == "running"
    until(lambda: all(gone(pid) for pid in programs), "the end of every process")  # children follow their parents


def test_a_silent_controller_ends_everybody(region: Any) -> None:
    job_manager, worker = region.launch("job-manager"), region.launch("worker")
    region.compute(worker, 3)
    region.channel.publish_control(Control(heartbeat_at=worker.host.clock.now() - 60.0, lease_s=30.0))
    assert job_manager.wait() == worker.wait() == 0
    assert region.committed() == 3
