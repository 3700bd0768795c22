"""Both agents with the real SPITS runtime: whole jobs, and what may happen to their instances meanwhile."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from cloudpits.domain.ports import Control

pytestmark = [pytest.mark.xdist_group("agents"), pytest.mark.timeout(300)]


THREE = ("perf_sec", "perf_sec_stdev", "tasks_completed")


def until(condition: Any, what: str, patience_s: float = 120.0) -> Any:
    """The first true value of ``condition``; a failure that says ``what`` did not happen otherwise."""
    deadline = time.monotonic() + patience_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what} did not happen within {patience_s:g} s"
        time.sleep(0.05)
    return value


def pid_of(agent: Any) -> int:
    """The SPITS program that the agent runs."""
    return int(until(lambda: json.loads(agent.host.workspace.status.read_text()), "a status")["pid"])


def gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def test_a_job_runs_to_its_end_and_leaves_everything_in_s3(region: Any, expected: bytes) -> None:
    job_manager = region.launch("job-manager")
    workers = [region.launch("worker"), region.launch("worker")]
    assert job_manager.wait() == 0
    assert [worker.wait() for worker in workers] == [0, 0]
    progress = region.channel.progress()
    assert (progress.state, progress.tasks_committed, progress.tasks_total) == ("completed", 40, 40)
    assert sum(progress.workers.values()) == 40
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
    until(lambda: region.committed() > 2, "the start of work")
    taken_at = leaving.metadata.facts.warned_until = leaving.host.clock.now() + 120.0
    # Asked well before the end: a machine that pauses for a moment must not find it taken already.
    until(lambda: leaving.host.clock.now() > taken_at - 40.0, "most of the notice")
    assert not leaving.exit_code, "a worker that ends itself is billed"
    region.take_away(leaving)
    leaving.shutting_down.set()
    assert leaving.wait() == 0
    notice = region.channel.notices()[0]
    assert (notice.instance_id, notice.kind) == (leaving.instance_id, "interruption")
    assert notice.takes_effect_at == pytest.approx(taken_at, abs=1.0)
    assert job_manager.wait() == staying.wait() == 0
    assert region.output("result.txt") == expected


def test_a_killed_worker_costs_nothing_but_time(region: Any, expected: bytes) -> None:
    job_manager, lost, _ = (region.launch(role) for role in ("job-manager", "worker", "worker"))
    until(lambda: region.committed() > 2, "the start of work")
    region.take_away(lost)
    lost.shutting_down.set()
    os.kill(pid_of(lost), signal.SIGKILL)
    assert job_manager.wait() == 0
    assert region.output("result.txt") == expected


def test_a_killed_job_manager_resumes_on_its_instance(region: Any, expected: bytes) -> None:
    job_manager, _ = region.launch("job-manager"), region.launch("worker")
    until(lambda: region.committed() > 5, "the start of work")
    os.kill(pid_of(job_manager), signal.SIGKILL)
    assert job_manager.wait() == 0
    assert region.channel.progress().state == "completed"
    assert region.output("result.txt") == expected


def test_a_replaced_job_manager_resumes_from_the_shipped_journal(region: Any, expected: bytes) -> None:
    first, worker = region.launch("job-manager"), region.launch("worker")
    until(lambda: region.committed() > 5, "the start of work")
    first.shutting_down.set()
    assert first.wait() == 0
    region.take_away(first)
    left_at = region.committed()
    assert region.channel.progress().state == "running"
    second = region.launch("job-manager")
    assert second.wait() == worker.wait() == 0
    assert region.channel.progress().tasks_committed == 40
    assert region.output("result.txt") == expected
    new = sum(region.channel.progress().workers.values())
    assert left_at > 5
    assert new <= 41, "what was committed before was not computed again"


def test_stop_ends_everybody(region: Any) -> None:
    job_manager, worker = region.launch("job-manager"), region.launch("worker")
    until(lambda: region.committed() > 2, "the start of work")
    programs = [pid_of(job_manager), pid_of(worker)]
    region.channel.publish_control(Control(heartbeat_at=worker.host.clock.now(), lease_s=1800.0, stop=True))
    assert job_manager.wait() == worker.wait() == 0
    assert region.channel.progress().state == "running"
    until(lambda: all(gone(pid) for pid in programs), "the end of every process")  # children follow their parents


def test_a_silent_controller_ends_everybody(region: Any) -> None:
    job_manager, worker = region.launch("job-manager"), region.launch("worker")
    until(lambda: region.committed() > 2, "the start of work")
    region.channel.publish_control(Control(heartbeat_at=worker.host.clock.now() - 60.0, lease_s=30.0))
    assert job_manager.wait() == worker.wait() == 0
    assert region.committed() < 40
