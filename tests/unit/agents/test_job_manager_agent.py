"""A job-manager host's life on a clock that the test moves."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cloudpits.agents.cadence import Cadence
from cloudpits.agents.discovery import Discovery, NodeFiles
from cloudpits.agents.job_manager import JobManagerAgent, JobManagerParts, JobSettings
from cloudpits.agents.journal_sync import JournalSync
from cloudpits.agents.membership import Answer
from cloudpits.agents.orders import Lease, Orders
from cloudpits.agents.tally import Tally
from cloudpits.domain.errors import CloudError
from cloudpits.domain.ports import Control

WORKER = {"i-w": "10.0.0.9"}


@dataclass
class Ec2:
    workers: dict[str, str] = field(default_factory=dict)
    down: bool = False

    def addresses(self) -> dict[str, str]:
        if self.down:
            raise CloudError("EC2 does not answer")
        return self.workers


class Life:
    """One job-manager host under test; every worker that EC2 shows answers."""

    def __init__(
        self, clock: Any, channel: Any, child: Any, store: Any, folder: Path, committed_before: int = 0
    ) -> None:
        self.clock, self.channel, self.child, self.store, self.ec2 = clock, channel, child, store, Ec2()
        self.status, self.nodes, self.journal = folder / "status.json", folder / "nodes", folder / "journal"
        self.nodes.mkdir()
        self.journal.mkdir()
        self.stored_outputs_at: list[float] = []
        self.outputs_refused = False
        tally = Tally()
        parts = JobManagerParts(
            clock=clock,
            job_manager=child,
            status=self.status,
            channel=channel,
            orders=Orders(channel, Lease("i-jm", 1800.0, clock.now()), 15.0),
            discovery=Discovery(
                workers=self.ec2,
                probe=lambda addresses: dict.fromkeys(addresses, Answer.READY),
                nodes=NodeFiles(self.nodes, 7727),
                on_registered=tally.assign,
                period_s=10.0,
            ),
            tally=tally,
            journal=JournalSync(store, "s3://artefacts/journal/", self.journal),
            store_outputs=self.store_outputs,
        )
        self.agent = JobManagerAgent(
            parts, JobSettings(Cadence(), 60.0, tasks_total=400, committed_before=committed_before)
        )

    def store_outputs(self) -> None:
        if self.outputs_refused:
            raise CloudError("S3 does not answer")
        self.stored_outputs_at.append(self.clock.now())
        assert self.channel.progress() is None or self.channel.progress().state != "completed"

    def says(self, state: str, committed: int = 0, message: str = "") -> None:
        nodes = {"10.0.0.9:7727": {"alive": True, "committed": committed, "in_flight": 1}}
        document = {"state": state, "tasks_committed": committed, "message": message, "nodes": nodes}
        self.status.write_text(json.dumps(document))

    def goes_on(self, seconds: int) -> None:
        for _ in range(seconds):
            assert self.agent.step() is None
            self.clock.sleep(1.0)


@pytest.fixture
def host(clock: Any, channel: Any, child: Any, store: Any, tmp_path: Path) -> Life:
    return Life(clock, channel, child, store, tmp_path)


def test_progress_is_published_with_who_did_what(host: Life) -> None:
    host.ec2.workers = WORKER
    host.goes_on(1)
    assert host.channel.progress().state == "starting"
    host.says("running", committed=12)
    host.goes_on(11)
    progress = host.channel.progress()
    assert (progress.state, progress.tasks_committed, progress.tasks_total) == ("running", 12, 400)
    assert progress.workers == {"i-w": 12}
    assert progress.updated_at == host.clock.now() - 2


def test_a_job_manager_that_resumes_does_not_look_like_one_that_starts_anew(
    clock: Any, channel: Any, child: Any, store: Any, tmp_path: Path
) -> None:
    host = Life(clock, channel, child, store, tmp_path, committed_before=300)
    host.goes_on(1)
    assert (host.channel.progress().state, host.channel.progress().tasks_committed) == ("starting", 300)
    host.says("running", committed=310)
    host.goes_on(11)
    assert host.channel.progress().tasks_committed == 310


def test_workers_are_announced_and_withdrawn(host: Life) -> None:
    host.ec2.workers = WORKER
    host.goes_on(1)
    assert (host.nodes / "i-w").read_text() == "node 10.0.0.9:7727\n"
    host.ec2.workers = {}
    host.goes_on(11)
    assert list(host.nodes.iterdir()) == []


def test_while_ec2_does_not_answer_the_workers_stay(host: Life) -> None:
    host.ec2.workers = WORKER
    host.goes_on(1)
    host.ec2.down = True
    host.goes_on(60)
    assert (host.nodes / "i-w").exists()


def test_the_journal_is_shipped_once_a_period(host: Life) -> None:
    (host.journal / "journal-000001.seg").write_bytes(b"first")
    host.goes_on(1)
    (host.journal / "journal-000001.seg").write_bytes(b"first, second")
    host.goes_on(59)
    assert list(host.store.objects.values()) == [b"first"]
    host.goes_on(1)
    assert list(host.store.objects.values()) == [b"first, second"]


def test_a_killed_job_manager_is_started_again(host: Life) -> None:
    host.says("running", committed=20)
    host.goes_on(1)
    host.child.exit_code = -9
    host.goes_on(1)
    assert host.child.actions == ["start"]
    host.says("starting", committed=0)
    host.goes_on(10)
    assert host.channel.progress().tasks_committed == 20


def test_everything_is_in_s3_before_completion_is_announced(host: Life) -> None:
    host.says("completed", committed=400)
    (host.journal / "journal-000001.seg").write_bytes(b"all")
    host.child.start = lambda: setattr(host.child, "exit_code", 0)
    assert host.agent.run() == 0
    assert host.stored_outputs_at
    assert list(host.store.objects.values()) == [b"all"]
    assert (host.channel.progress().state, host.channel.progress().tasks_committed) == ("completed", 400)


def test_results_that_cannot_be_stored_are_no_completion(host: Life) -> None:
    host.says("completed", committed=400)
    host.outputs_refused = True
    host.child.start = lambda: setattr(host.child, "exit_code", 0)
    host.agent.run()
    assert host.channel.progress().state == "failed"
    assert "S3 does not answer" in host.channel.progress().message


def test_a_failed_job_says_which_task(host: Life) -> None:
    host.says("failed", committed=3, message="task 7 failed 4 times")
    host.child.start = lambda: setattr(host.child, "exit_code", 5)
    host.agent.run()
    assert (host.channel.progress().state, host.channel.progress().message) == ("failed", "task 7 failed 4 times")


def test_a_job_manager_that_never_starts_leaves_its_last_words(host: Life) -> None:
    host.child.start = lambda: setattr(host.child, "exit_code", 2)
    host.agent.run()
    assert host.channel.progress().state == "failed"
    assert "segmentation fault" in host.channel.progress().message


@pytest.mark.parametrize("heartbeat_age", [0.0, 4000.0])
def test_stop_and_a_silent_controller_leave_a_job_that_can_be_resumed(host: Life, heartbeat_age: float) -> None:
    (host.journal / "journal-000001.seg").write_bytes(b"so far")
    host.says("running", committed=20)
    host.channel.publish_control(Control(host.clock.now(), 1800.0, stop=not heartbeat_age, reason="no money is left"))
    host.clock.sleep(heartbeat_age)
    assert host.agent.run() == 0
    assert host.child.actions[-1] == "kill"
    assert list(host.store.objects.values()) == [b"so far"]
    progress = host.channel.progress()
    assert (progress.state, progress.tasks_committed, progress.message) == ("running", 20, "no money is left")


def test_it_works_on_while_the_mailbox_and_s3_are_out_of_reach(host: Life) -> None:
    (host.journal / "journal-000001.seg").write_bytes(b"so far")
    host.channel.down, host.store.refusals = True, 2
    host.goes_on(100)
    host.channel.down = False
    host.goes_on(30)
    assert host.channel.progress() is not None
    assert list(host.store.objects.values()) == [b"so far"]
