"""Golden byte transcripts of every message on a task manager's port: what comes in, what must go out."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from cloudpits.spits import wire
from cloudpits.spits.connecting import Address
from cloudpits.spits.task_manager.hand import Hand, Held
from tests.waiting import PATIENCE_S, until_async

JOB = bytes.fromhex("00000003") + b"job"
TASK_5_OF_RUN_1 = bytes.fromhex("0000000000000005 0000000000000001 0000000000000004") + b"data"
TASK_6_OF_RUN_1 = bytes.fromhex("0000000000000006 0000000000000001 0000000000000000")
RESULT_5 = bytes.fromhex("0000000000000005 0000000000000001 0000000000000000 0000000000000006") + b"result"
RESULT_6_STATUS_3 = bytes.fromhex("0000000000000006 0000000000000001 0000000000000003 0000000000000000")
SEND_TASKS = bytes.fromhex("0000000000000512")
HEARTBEAT = bytes.fromhex("0000000000000200")
SEND_TASK = bytes.fromhex("0000000000000201")
MORE = bytes.fromhex("0000000000000202")
FULL = bytes.fromhex("0000000000000203")
READ_RESULTS = bytes.fromhex("0000000000000101")
ACKNOWLEDGE = bytes.fromhex("0000000000000101")
NO_MORE = bytes.fromhex("0000000000000000")
TERMINATE = bytes.fromhex("000000000000ffff")
METRICS = bytes.fromhex("0000000000000401")
HELLO = bytes.fromhex("0000000000000501")
READ_WAITING_50_MS = bytes.fromhex("0000000000000511 0000000000000032")
READ_WAITING_60_S = bytes.fromhex("0000000000000511 000000000000ea60")


def transcript(
    serving: Callable[..., AbstractAsyncContextManager[Address]],
    exchange: Callable[..., Awaitable[bytes]],
    manager: Any,
    sent: bytes,
) -> Any:
    """What the port answers to ``sent``."""

    async def converse() -> Any:
        async with serving(manager.port.serve) as address:
            return await exchange(address, sent)

    return asyncio.run(converse())


def finish(hand: Hand, task_id: int, data: Any, status: int = 0) -> None:
    hand.accept(Held(1, task_id, b"x"))
    hand.finish(hand.next_task(), status, data, 0.1)


def test_the_job_id_is_sent_at_once(
    serving: Callable[..., AbstractAsyncContextManager[Address]],
    exchange: Callable[..., Awaitable[bytes]],
    task_manager_port: Callable[..., Any],
) -> None:
    assert transcript(serving, exchange, task_manager_port(), b"") == JOB


def test_another_job_id_ends_the_conversation(
    serving: Callable[..., AbstractAsyncContextManager[Address]],
    exchange: Callable[..., Awaitable[bytes]],
    task_manager_port: Callable[..., Any],
) -> None:
    other = bytes.fromhex("00000003") + b"bog"
    manager = task_manager_port()
    assert transcript(serving, exchange, manager, other + TERMINATE) == JOB
    assert manager.seen.terminated == 0


def test_heartbeat_has_no_answer(
    serving: Callable[..., AbstractAsyncContextManager[Address]],
    exchange: Callable[..., Awaitable[bytes]],
    task_manager_port: Callable[..., Any],
) -> None:
    assert transcript(serving, exchange, task_manager_port(), JOB + HEARTBEAT) == JOB


def test_send_task_until_full(
    serving: Callable[..., AbstractAsyncContextManager[Address]],
    exchange: Callable[..., Awaitable[bytes]],
    task_manager_port: Callable[..., Any],
) -> None:
    manager = task_manager_port(workers=1, overfill=1)
    sent = JOB + SEND_TASK + TASK_5_OF_RUN_1 + TASK_6_OF_RUN_1
    assert transcript(serving, exchange, manager, sent) == JOB + MORE + MORE + FULL
    assert [manager.hand.next_task(), manager.hand.next_task()] == [Held(1, 5, b"data"), Held(1, 6, b"")]
    assert manager.seen.tasks == 2


def test_send_tasks_in_one_go(
    serving: Callable[..., AbstractAsyncContextManager[Address]],
    exchange: Callable[..., Awaitable[bytes]],
    task_manager_port: Callable[..., Any],
) -> None:
    manager = task_manager_port(workers=2, overfill=1)
    room_for_3, took_2, end = (struct.pack(">q", number) for number in (3, 2, 0))
    sent = JOB + SEND_TASKS + TASK_5_OF_RUN_1 + TASK_6_OF_RUN_1 + end
    assert transcript(serving, exchange, manager, sent) == JOB + room_for_3 + took_2
    assert [manager.hand.next_task(), manager.hand.next_task()] == [Held(1, 5, b"data"), Held(1, 6, b"")]


def test_the_job_manager_may_close_after_any_more(
    serving: Callable[..., AbstractAsyncContextManager[Address]],
    exchange: Callable[..., Awaitable[bytes]],
    task_manager_port: Callable[..., Any],
) -> None:
    manager = task_manager_port()
    assert transcript(serving, exchange, manager, JOB + SEND_TASK + TASK_5_OF_RUN_1) == JOB + MORE + MORE
    assert manager.hand.next_task() == Held(1, 5, b"data")


def test_a_draining_task_manager_is_full(
    serving: Callable[..., AbstractAsyncContextManager[Address]],
    exchange: Callable[..., Awaitable[bytes]],
    task_manager_port: Callable[..., Any],
) -> None:
    manager = task_manager_port()
    manager.port.draining = True
    assert transcript(serving, exchange, manager, JOB + SEND_TASK) == JOB + FULL


def test_a_task_that_comes_when_draining_began_is_rejected(
    serving: Callable[..., AbstractAsyncContextManager[Address]], task_manager_port: Callable[..., Any]
) -> Any:
    async def converse(manager: Any) -> Any:
        async with serving(manager.port.serve) as address:
            reader, writer = await asyncio.open_connection(*address)
            writer.write(JOB + SEND_TASK)
            assert await reader.readexactly(len(JOB + MORE)) == JOB + MORE
            manager.port.draining = True
            writer.write(TASK_5_OF_RUN_1)
            answer = await reader.read()
            writer.close()
            return answer

    manager = task_manager_port()
    assert asyncio.run(converse(manager)) == bytes.fromhex("0000000000000204")
    assert len(manager.hand) == 0


def test_read_results_and_acknowledge_each(
    serving: Callable[..., AbstractAsyncContextManager[Address]],
    exchange: Callable[..., Awaitable[bytes]],
    task_manager_port: Callable[..., Any],
) -> None:
    manager = task_manager_port()
    finish(manager.hand, 5, b"result")
    finish(manager.hand, 6, b"", status=3)
    answer = transcript(serving, exchange, manager, JOB + READ_RESULTS + ACKNOWLEDGE + ACKNOWLEDGE)
    assert answer == JOB + RESULT_5 + RESULT_6_STATUS_3 + NO_MORE
    assert len(manager.hand) == 0


def test_what_is_not_acknowledged_is_handed_over_again(
    serving: Callable[..., AbstractAsyncContextManager[Address]],
    exchange: Callable[..., Awaitable[bytes]],
    task_manager_port: Callable[..., Any],
) -> None:
    manager = task_manager_port()
    finish(manager.hand, 5, b"result")
    finish(manager.hand, 6, b"", status=3)
    assert transcript(serving, exchange, manager, JOB + READ_RESULTS + ACKNOWLEDGE).startswith(JOB + RESULT_5)
    again = transcript(serving, exchange, manager, JOB + READ_RESULTS + ACKNOWLEDGE)
    assert again == JOB + RESULT_6_STATUS_3 + NO_MORE


def test_reports_are_only_for_our_own_job_manager(
    serving: Callable[..., AbstractAsyncContextManager[Address]],
    exchange: Callable[..., Awaitable[bytes]],
    task_manager_port: Callable[..., Any],
) -> None:
    manager = task_manager_port()
    finish(manager.hand, 5, b"crashed", status=wire.STATUS_FAILED)
    assert transcript(serving, exchange, manager, JOB + READ_RESULTS) == JOB + NO_MORE
    report = struct.pack(">qqqq", 5, 1, wire.STATUS_FAILED, 7) + b"crashed"
    manager = task_manager_port()
    finish(manager.hand, 5, b"crashed", status=wire.STATUS_FAILED)
    answer = transcript(serving, exchange, manager, JOB + READ_WAITING_50_MS + ACKNOWLEDGE)
    assert answer == JOB + report + NO_MORE


def test_read_results_waiting_holds_the_line(
    serving: Callable[..., AbstractAsyncContextManager[Address]], task_manager_port: Callable[..., Any]
) -> Any:
    async def converse(manager: Any) -> Any:
        async with serving(manager.port.serve) as address:
            reader, writer = await asyncio.open_connection(*address)
            writer.write(JOB + READ_WAITING_60_S)
            await until_async(lambda: manager.port._results._waiters)
            finish(manager.hand, 5, b"result")
            manager.port.notify_results()
            answer = await reader.readexactly(len(JOB + RESULT_5))
            writer.write(ACKNOWLEDGE)
            await until_async(lambda: not manager.hand)
            writer.close()
            return answer

    assert asyncio.run(converse(task_manager_port())) == JOB + RESULT_5


def test_terminate(
    serving: Callable[..., AbstractAsyncContextManager[Address]],
    exchange: Callable[..., Awaitable[bytes]],
    task_manager_port: Callable[..., Any],
) -> None:
    manager = task_manager_port()
    assert transcript(serving, exchange, manager, JOB + TERMINATE) == JOB
    assert manager.seen.terminated == 1


def test_metrics(
    serving: Callable[..., AbstractAsyncContextManager[Address]],
    exchange: Callable[..., Awaitable[bytes]],
    task_manager_port: Callable[..., Any],
) -> None:
    answer = transcript(serving, exchange, task_manager_port(), JOB + METRICS)
    assert answer == JOB + bytes.fromhex("00000008") + b'{"n": 1}'


def test_hello(
    serving: Callable[..., AbstractAsyncContextManager[Address]],
    exchange: Callable[..., Awaitable[bytes]],
    task_manager_port: Callable[..., Any],
) -> None:
    answer = transcript(serving, exchange, task_manager_port(workers=4), JOB + HELLO)
    assert answer[: len(JOB)] == JOB
    size = struct.unpack_from(">I", answer, len(JOB))[0]
    greeting = json.loads(answer[len(JOB) + 4 :])
    assert size == len(answer) - len(JOB) - 4
    assert (greeting["workers"], greeting["in_hand"], greeting["draining"]) == (4, 0, False)
    assert len(greeting["instance"]) == 16


def test_a_secret_is_asked_for_before_anything_else(
    serving: Callable[..., AbstractAsyncContextManager[Address]],
    exchange: Callable[..., Awaitable[bytes]],
    task_manager_port: Callable[..., Any],
) -> None:
    manager = task_manager_port(secret=b"sesame")
    answer = transcript(serving, exchange, manager, JOB + TERMINATE + b"\0" * 40)
    assert answer[: len(JOB)] == JOB
    assert len(answer) == len(JOB) + 16, "a challenge, and nothing for who cannot meet it"
    assert manager.seen.terminated == 0


def test_a_peer_that_stops_in_the_middle_is_dropped(
    serving: Callable[..., AbstractAsyncContextManager[Address]], task_manager_port: Callable[..., Any]
) -> Any:
    async def converse(manager: Any) -> Any:
        async with serving(manager.port.serve) as address:
            reader, writer = await asyncio.open_connection(*address)
            writer.write(JOB + SEND_TASK + TASK_5_OF_RUN_1[:20])
            async with asyncio.timeout(PATIENCE_S):
                answer = await reader.read()
            writer.close()
            return answer

    assert asyncio.run(converse(task_manager_port())) == JOB + MORE
