from collections.abc import Mapping
from typing import Any

import pytest

from cloudpits.local.faults import EARLIEST, LATEST, FaultInjection, FaultPlan


class Cloud:
    """Two spot workers, an on-demand worker and a job manager; remembers what was done to them."""

    def __init__(self) -> None:
        self.done: list[tuple[str, str]] = []
        roles = {"i-1": "worker-spot", "i-2": "worker-spot", "i-3": "worker-ondemand", "i-jm": "jobmanager-ondemand"}
        self.records: list[Mapping[str, Any]] = [
            {
                "instance_id": name,
                "state": "running",
                "warned_until": None,
                "spot": role == "worker-spot",
                "tags": {"Type": role},
            }
            for name, role in roles.items()
        ]

    def instances(self) -> list[Mapping[str, Any]]:
        return self.records

    def interrupt(self, instance_id: str) -> bool:
        self.done.append(("interrupt", instance_id))
        return True

    def fail(self, instance_id: str) -> None:
        self.done.append(("fail", instance_id))


def inject(plan: FaultPlan, running: list[str], progress: float) -> list[tuple[str, str]]:
    cloud = Cloud()
    faults = FaultInjection(cloud, plan, "mark", "rebalancer", lambda: running)  # type: ignore[arg-type]  # a stand-in
    for _ in range(10):
        faults.step(progress)
    return cloud.done


def test_faults_are_spread_over_the_middle_of_the_run() -> None:
    schedule = FaultPlan(interruptions=3, kills=2, seed=1).schedule()

    assert [kind for _, kind in schedule].count("interrupt") == 3
    assert all(EARLIEST < at < LATEST for at, _ in schedule)
    assert schedule == sorted(schedule)


def test_equal_seeds_make_equal_schedules() -> None:
    assert FaultPlan(2, 2, 1, 1, seed=5).schedule() == FaultPlan(2, 2, 1, 1, seed=5).schedule()
    assert FaultPlan(2, seed=5).schedule() != FaultPlan(2, seed=6).schedule()


def test_nothing_happens_before_its_time() -> None:
    assert inject(FaultPlan(interruptions=1), ["i-1"], progress=0.0) == []


@pytest.mark.parametrize("running", [["i-1", "i-3", "i-jm"], ["i-1"]])
def test_only_running_spot_workers_are_interrupted(running: list[str]) -> None:
    assert inject(FaultPlan(interruptions=1), running, progress=0.9) == [("interrupt", "i-1")]


def test_a_fault_waits_for_a_victim() -> None:
    assert inject(FaultPlan(interruptions=1), ["i-3"], progress=0.9) == []


def test_the_job_manager_is_hit_only_when_it_is_meant() -> None:
    running = ["i-3", "i-jm"]

    assert inject(FaultPlan(kills=1), running, progress=0.9) == [("fail", "i-3")]
    assert inject(FaultPlan(job_manager_kills=1), running, progress=0.9) == [("fail", "i-jm")]
