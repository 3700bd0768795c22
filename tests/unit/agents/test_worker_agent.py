"""A worker instance's life, second by second on a clock that the test moves."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from cloudpits.agents.cadence import Cadence
from cloudpits.agents.ending import TAKEN_LATE_S
from cloudpits.agents.imds import SpotAction
from cloudpits.agents.notices import NoticeWatch
from cloudpits.agents.orders import Lease, Orders
from cloudpits.agents.rates import Rate
from cloudpits.agents.statuses import TaskManagerStatus
from cloudpits.agents.worker import WorkerAgent, WorkerSettings
from cloudpits.domain.errors import CloudError
from cloudpits.domain.ports import Control

ME = "i-me"


@dataclass
class FakeSink:
    published: list[tuple[float, Rate, int]] = field(default_factory=list)
    down: bool = False

    def publish(self, at: float, rate: Rate, tasks_completed: int) -> None:
        if self.down:
            raise CloudError("CloudWatch does not answer")
        self.published.append((at, rate, tasks_completed))


class Life:
    """One worker under test."""

    def __init__(self, clock: Any, channel: Any, child: Any, metadata: Any, folder: Path) -> None:
        self.clock, self.channel, self.child = clock, channel, child
        self.status = folder / "status.json"
        self.sink, self.metadata = FakeSink(), metadata
        self.shutting_down = False
        self.agent = WorkerAgent(
            clock=clock,
            task_manager=child,
            status=self.status,
            metrics=self.sink,
            notices=NoticeWatch(self.metadata, channel, ME, 5.0),
            orders=Orders(channel, Lease(ME, 1800.0, clock.now()), 15.0),
            settings=WorkerSettings(Cadence(), metrics_s=60.0, drain_s=120.0),
            shutting_down=lambda: self.shutting_down,
        )
        child.start()

    def goes_on(self, seconds: int, tasks_per_s: float = 0.5, completed: float = 0.0) -> int | None:
        """Let it work; its exit code if it ended meanwhile."""
        for _ in range(seconds):
            completed += tasks_per_s
            document = {"state": "running", "workers": 1, "tasks_completed": int(completed), "in_hand": 2}
            self.status.write_text(json.dumps(document))
            if (code := self.agent.step()) is not None:
                return code
            self.clock.sleep(1.0)
        return None


@pytest.fixture
def worker(clock: Any, channel: Any, child: Any, metadata: Any, tmp_path: Path) -> Life:
    return Life(clock, channel, child, metadata, tmp_path)


def test_its_rate_is_published_once_known_and_then_once_a_period(worker: Life) -> None:
    worker.goes_on(130)
    times = [at for at, _, _ in worker.sink.published]
    assert times[0] < 1010.0
    assert [later - earlier for earlier, later in pairwise(times)] == [60.0, 60.0]
    at, rate, completed = worker.sink.published[-1]
    assert rate.mean == pytest.approx(0.5, rel=0.02)
    assert completed == pytest.approx((at - 1000.0) * 0.5, abs=1)


def test_it_says_nothing_before_it_can_tell_its_rate(worker: Life) -> None:
    worker.goes_on(300, tasks_per_s=0.0)
    assert worker.sink.published == []


def test_it_works_on_while_cloudwatch_and_the_mailbox_are_out_of_reach(worker: Life) -> None:
    worker.sink.down = worker.channel.down = True
    assert worker.goes_on(600) is None
    worker.sink.down = worker.channel.down = False
    worker.goes_on(60, completed=300.0)
    assert worker.sink.published


def test_an_interruption_notice_drains_it_and_is_passed_on(worker: Life) -> None:
    worker.goes_on(10)
    worker.metadata.action = SpotAction("terminate", at=worker.clock.now() + 120)
    assert worker.goes_on(6) is None
    assert worker.child.actions == ["start", "terminate"]
    assert [notice.kind for notice in worker.channel.notices()] == ["interruption"]


def test_drained_in_its_first_hour_it_leaves_its_end_to_aws_which_then_bills_nothing(worker: Life) -> None:
    worker.goes_on(10)
    taken_at = worker.clock.now() + 120
    worker.metadata.action = SpotAction("terminate", at=taken_at)
    worker.goes_on(6)
    worker.child.exit_code = 0
    assert worker.goes_on(115) is None
    assert worker.clock.now() > taken_at
    assert worker.child.actions == ["start", "terminate"]
    assert worker.goes_on(300) == 0, "an instance that AWS forgets must not idle for ever"
    assert worker.clock.now() == taken_at + TAKEN_LATE_S


def test_drained_after_its_first_hour_it_leaves_at_once(worker: Life) -> None:
    for _ in range(12):
        worker.channel.publish_control(Control(worker.clock.now(), 1800.0))
        worker.goes_on(300)
    worker.metadata.action = SpotAction("terminate", at=worker.clock.now() + 120)
    worker.goes_on(6)
    worker.child.exit_code = 0
    assert worker.goes_on(1) == 0


def test_a_drain_is_cut_off_when_the_instance_is_about_to_be_taken(worker: Life) -> None:
    worker.clock.sleep(3600.0)
    worker.channel.publish_control(Control(worker.clock.now(), 1800.0))
    worker.metadata.action = SpotAction("terminate", at=worker.clock.now() + 30)
    started = worker.clock.now()
    assert worker.goes_on(300) == 0
    assert worker.clock.now() - started == 30.0


def test_the_controller_can_drain_it(worker: Life) -> None:
    worker.channel.publish_control(Control(worker.clock.now(), 1800.0, drain=(ME,)))
    worker.goes_on(1)
    assert worker.child.actions[-1] == "terminate"


def test_the_controller_can_stop_it(worker: Life) -> None:
    worker.channel.publish_control(Control(worker.clock.now(), 1800.0, stop=True))
    assert worker.goes_on(1) == 0


def test_it_ends_itself_when_the_controller_has_been_silent_for_too_long(worker: Life) -> None:
    started = worker.clock.now()
    assert worker.goes_on(4000) == 0
    assert worker.clock.now() - started == pytest.approx(1800.0, abs=15.0)


def test_a_crashed_task_manager_is_started_again_until_it_is_hopeless(worker: Life) -> None:
    for _ in range(5):
        worker.child.exit_code = -11
        assert worker.goes_on(1) is None
    assert worker.child.actions == ["start"] * 6
    worker.child.exit_code = -11
    assert worker.goes_on(1) == 1


def test_a_shutdown_of_the_instance_drains_it(worker: Life) -> None:
    worker.shutting_down = True
    worker.goes_on(1)
    assert worker.child.actions[-1] == "terminate"


def test_the_last_word_is_published_and_no_process_is_left(worker: Life) -> None:
    worker.goes_on(90)
    worker.channel.publish_control(Control(worker.clock.now(), 1800.0, stop=True))
    assert worker.agent.run() == 0
    assert worker.child.actions[-1] == "kill"
    assert worker.sink.published[-1][0] == worker.clock.now()


@pytest.mark.parametrize(
    ("said", "busy"), [({}, False), ({"in_hand": 2}, True), ({"in_hand": 2, "working": False}, False)]
)
def test_waiting_for_results_to_be_fetched_is_not_work_where_the_runtime_tells(
    said: dict[str, Any], busy: bool
) -> None:
    assert TaskManagerStatus.model_validate(said).busy is busy
