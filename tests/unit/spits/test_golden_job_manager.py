"""Golden byte transcripts of the job manager: what it says to task managers, and what its own port answers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import struct
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cloudpits.spits import wire
from cloudpits.spits.connecting import Address
from cloudpits.spits.errors import PeerError
from cloudpits.spits.handshake import Credentials
from cloudpits.spits.job_manager.bag import Counters
from cloudpits.spits.job_manager.discovery import NodeFiles
from cloudpits.spits.job_manager.node import LinkSettings, Node
from cloudpits.spits.job_manager.port import JobManagerPort
from cloudpits.spits.job_manager.registry import Registry
from cloudpits.spits.job_manager.table import Task
from cloudpits.spits.stream import Stream
from tests.waiting import PATIENCE_S, until_async

JOB = bytes.fromhex("00000003") + b"job"
HELLO = bytes.fromhex("0000000000000501")
HEARTBEAT = bytes.fromhex("0000000000000200")
SEND_TASKS = bytes.fromhex("0000000000000512")
SEND_TASK = bytes.fromhex("0000000000000201")
READ_RESULTS = bytes.fromhex("0000000000000101")
READ_WAITING_2_S = bytes.fromhex("0000000000000511 00000000000007d0")
ACKNOWLEDGE = bytes.fromhex("0000000000000101")
TERMINATE = bytes.fromhex("000000000000ffff")
MORE, FULL, REJECT = (struct.pack(">q", kind) for kind in (0x0202, 0x0203, 0x0204))
TASK_5_OF_RUN_2 = bytes.fromhex("0000000000000005 0000000000000002 0000000000000004") + b"data"
RESULT_5 = bytes.fromhex("0000000000000005 0000000000000002 0000000000000000 0000000000000006") + b"result"
GREETING = json.dumps({"instance": "a", "workers": 1, "in_hand": 0, "draining": False}).encode()
OURS = struct.pack(">I", len(GREETING)) + GREETING


class Desk:
    """Has one task to give, and remembers what happens."""

    def __init__(self) -> None:
        self.tasks = [Task(5, b"data")]
        self.returned = []
        self.received = []
        self.lost = 0

    def take(self, node: Any) -> Any:
        return (2, self.tasks.pop()) if self.tasks else None

    def give_back(self, node: Any, run_id: int, task_id: int) -> None:
        self.returned.append((run_id, task_id))

    def receive(self, node: Any, task_id: int, run_id: int, status: int, data: Any, acknowledge: Any) -> None:
        self.received.append((task_id, run_id, status, data))
        acknowledge()

    def lose(self, node: Any) -> None:
        self.lost += 1

    def in_hand(self, node: Any) -> Any:
        return 0


class ScriptedTaskManager:
    """Answers the first message of each kind with the bytes of its script and records all that it was sent."""

    def __init__(self, answers: Any) -> None:
        self.answers = answers
        self.heard = {}

    async def serve(self, stream: Stream) -> None:
        stream.write(JOB)
        try:
            assert await stream.read(len(JOB)) == JOB
            kind = await stream.read(8)
        except PeerError:
            stream.abort()
            return
        if kind in self.answers:
            stream.write(self.answers.pop(kind) if kind != HELLO else self.answers[kind])
            self.heard[kind] = kind
            await self._hear(kind, stream)
        else:
            self.heard.setdefault(kind, kind)
        await stream.close(1.0)

    async def _hear(self, kind: bytes, stream: Stream) -> None:
        """All that comes until the job manager closes."""
        stream.silence_s = PATIENCE_S
        with contextlib.suppress(PeerError):
            while True:
                self.heard[kind] += await stream.read(1)


SLOW_TO_GIVE_UP, QUICK_TO_GIVE_UP = 60.0, 1.0  # heartbeats: by them a job manager measures silence


def converse(
    serving: Callable[..., AbstractAsyncContextManager[Address]],
    answers: Any,
    *facts: Callable[[Any], object],
    heartbeat_s: float = SLOW_TO_GIVE_UP,
) -> Any:
    """Run a node against a scripted task manager until each fact in turn has come about.

    A fact is told of the desk, of what the task manager heard and of the node; one that is a coroutine is an act.
    """

    async def run() -> Any:
        desk, manager = Desk(), ScriptedTaskManager(dict(answers))
        async with serving(manager.serve) as address:
            node = Node(address, LinkSettings(Credentials("job"), heartbeat_s=heartbeat_s), desk)
            scene = SimpleNamespace(desk=desk, heard=manager.heard, node=node)
            node.start()
            for fact in facts:
                if asyncio.iscoroutinefunction(fact):
                    await fact(scene)
                else:
                    await until_async(lambda fact=fact: fact(scene))
            await node.stop()
        return scene

    return asyncio.run(run())


def hears(kind: bytes, what: bytes) -> Callable[[Any], bool]:
    """That the task manager was sent ``what`` in the conversation of that kind."""
    return lambda scene: scene.heard.get(kind) == what


def test_our_task_managers_are_sent_tasks_in_one_go(
    serving: Callable[..., AbstractAsyncContextManager[Address]],
) -> None:
    room_for_3, took_1, end = (struct.pack(">q", number) for number in (3, 1, 0))
    sent = SEND_TASKS + TASK_5_OF_RUN_2 + end
    outcome = converse(serving, {HELLO: OURS, SEND_TASKS: room_for_3 + took_1}, hears(SEND_TASKS, sent))
    assert outcome.heard[SEND_TASKS] == sent
    assert outcome.desk.returned == []


@pytest.mark.parametrize("numbers", [(), (0,), (-1,), (3,), (3, 0), (3, -1)])
def test_what_our_task_managers_did_not_take_is_kept(
    serving: Callable[..., AbstractAsyncContextManager[Address]], numbers: tuple[int, ...]
) -> None:
    answer = b"".join(struct.pack(">q", number) for number in numbers)
    outcome = converse(
        serving, {HELLO: OURS, SEND_TASKS: answer}, lambda s: s.desk.returned, heartbeat_s=QUICK_TO_GIVE_UP
    )
    assert outcome.desk.returned == [(2, 5)]


def test_a_task_is_delivered_once_its_answer_was_read(
    serving: Callable[..., AbstractAsyncContextManager[Address]],
) -> None:
    outcome = converse(serving, {SEND_TASK: MORE + FULL}, hears(SEND_TASK, SEND_TASK + TASK_5_OF_RUN_2))
    assert outcome.heard[SEND_TASK] == SEND_TASK + TASK_5_OF_RUN_2
    assert outcome.desk.returned == []


@pytest.mark.parametrize("answer", [FULL, MORE + REJECT, MORE, b""])
def test_a_task_not_taken_is_kept(serving: Callable[..., AbstractAsyncContextManager[Address]], answer: Any) -> None:
    outcome = converse(serving, {SEND_TASK: answer}, lambda s: s.desk.returned, heartbeat_s=QUICK_TO_GIVE_UP)
    assert outcome.desk.returned == [(2, 5)]


def test_results_of_our_task_managers_are_waited_for(
    serving: Callable[..., AbstractAsyncContextManager[Address]],
) -> None:
    waiting = wire.encode_int(0x0511)
    sent = READ_WAITING_2_S + ACKNOWLEDGE
    outcome = converse(serving, {HELLO: OURS, SEND_TASK: FULL, waiting: RESULT_5}, hears(waiting, sent))
    assert outcome.heard[waiting] == sent
    assert outcome.desk.received == [(5, 2, 0, b"result")]


def test_a_peer_that_does_not_know_hello_is_spoken_to_as_a_reference(
    serving: Callable[..., AbstractAsyncContextManager[Address]],
) -> None:
    no_more, sent = bytes(8), READ_RESULTS + ACKNOWLEDGE
    outcome = converse(serving, {SEND_TASK: FULL, READ_RESULTS: RESULT_5 + no_more}, hears(READ_RESULTS, sent))
    assert outcome.heard[READ_RESULTS] == sent
    assert outcome.heard[HELLO] == HELLO
    assert outcome.node.is_reference


def test_terminate(serving: Callable[..., AbstractAsyncContextManager[Address]]) -> None:
    async def terminate(scene: Any) -> None:
        await scene.node.terminate()

    answers = {HELLO: OURS, SEND_TASK: FULL}
    outcome = converse(serving, answers, lambda scene: scene.node.alive, terminate, hears(TERMINATE, TERMINATE))
    assert outcome.heard[TERMINATE] == TERMINATE


@pytest.fixture
def ask(
    serving: Callable[..., AbstractAsyncContextManager[Address]],
    exchange: Callable[..., Awaitable[bytes]],
    tmp_path: Path,
) -> Any:
    """What the job manager's port answers to each of some messages in turn."""

    def ask(*messages: bytes) -> Any:
        async def run() -> Any:
            settings = LinkSettings(Credentials("job"), heartbeat_s=0.2)
            registry = Registry(NodeFiles(tmp_path / "nodes.txt", tmp_path / "nodes"), settings, Counters())
            port = JobManagerPort(registry, settings.credentials, settings.limits, lambda: {"n": 1})
            async with serving(port.serve) as address:
                answers = [await exchange(address, message) for message in messages]
            await registry.stop()
            return answers

        return asyncio.run(run())

    return ask


def text(value: Any) -> Any:
    data = json.dumps(value).encode()
    return struct.pack(">I", len(data)) + data


def test_status(ask: Callable[..., list[bytes]]) -> None:
    status = {"pid": os.getpid(), "type": "jobmanager", "status": "running"}
    assert ask(bytes.fromhex("0000000000000400")) == [text(status)]


def test_metrics_of_the_job(ask: Callable[..., list[bytes]]) -> None:
    assert ask(bytes.fromhex("0000000000000401")) == [text({"n": 1})]


def test_add_list_and_remove_nodes(ask: Callable[..., list[bytes]]) -> None:
    node = text({"host": "127.0.0.1", "port": 9})
    add, listing, remove = (bytes.fromhex(f"{kind:016x}") for kind in (0x404, 0x405, 0x406))
    ok, failed = bytes(8), bytes(7) + b"\1"
    answers = ask(add + node, listing, remove + node, listing, remove + node, add + text([1]))
    assert answers == [ok, text([{"host": "127.0.0.1", "port": 9}]), ok, text([]), failed, failed]


def test_addresses_read_as_host_and_port() -> None:
    assert str(Address("10.0.0.7", 7727)) == "10.0.0.7:7727"
