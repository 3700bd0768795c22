"""Discovery, cores, metrics, secrets, announcements: the small parts."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from cloudpits.spits import wire
from cloudpits.spits.connecting import Address, conversation
from cloudpits.spits.cores import usable_cores
from cloudpits.spits.errors import PeerError
from cloudpits.spits.files import write_atomically
from cloudpits.spits.handshake import Credentials, agree_on_job
from cloudpits.spits.job_manager.discovery import NodeFiles, parse_nodes
from cloudpits.spits.metrics import MetricBook, merge
from cloudpits.spits.processes import describe_exit
from cloudpits.spits.stream import Stream
from cloudpits.spits.task_manager.announcement import Announcement
from tests.waiting import until_async


def test_nodes_are_read_from_the_file_and_the_folder(tmp_path: Path) -> None:
    files = NodeFiles(tmp_path / "nodes.txt", tmp_path / "nodes")
    assert files.read() == set()
    (tmp_path / "nodes.txt").write_text(
        "node 10.0.0.1:7727\n# comment\nnode 10.0.0.2:x\nnode 10.0.0.3:70000\n", encoding="utf-8"
    )
    announcement = Announcement(tmp_path / "nodes", Address("worker", 7727))
    announcement.publish()
    assert files.read() == {Address("10.0.0.1", 7727), Address("worker", 7727)}
    announcement.withdraw()
    announcement.withdraw()
    assert files.read() == {Address("10.0.0.1", 7727)}


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    files = NodeFiles(tmp_path / "nodes.txt", tmp_path / "nodes")
    (tmp_path / "nodes.txt").write_text("node a:1\n", encoding="utf-8")
    assert files.read() == {Address("a", 1)}
    (tmp_path / "nodes.txt").write_text("node a:1\nnode b:2\n", encoding="utf-8")
    assert files.read() == {Address("a", 1), Address("b", 2)}


def test_windows_line_ends_and_spaces_do_not_matter() -> None:
    assert parse_nodes("  node h:1 \r\nnode g:2") == {Address("h", 1), Address("g", 2)}


@pytest.mark.parametrize(
    ("files", "share"),
    [
        ({}, None),
        ({"cpu.max": "max 100000"}, None),
        ({"cpu.max": "100000 100000"}, 1),
        ({"cpu.max": "50000 100000"}, 1),
        ({"cpu/cpu.cfs_quota_us": "100000", "cpu/cpu.cfs_period_us": "100000"}, 1),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
    ],
)
def test_workers_follow_the_quota_of_the_control_group(tmp_path: Path, files: Any, share: int | None) -> None:
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content + "\n", encoding="utf-8")
    assert usable_cores(tmp_path) == (share or len(os.sched_getaffinity(0)))


def test_a_metric_keeps_its_latest_values_oldest_first() -> None:
    now = iter([1.25, 2.5, 3.75])
    book = MetricBook(lambda: next(now), capacity=2)
    for value in (7, 8, 9):
        book.set("n", value)
    assert book.as_json() == {
        "n": {
            "type": "int",
            "capacity": 2,
            "values": [
                {"value": 8, "seconds": 2, "nano_seconds": 500_000_000, "sequence_no": 1, "data_size": 4},
                {"value": 9, "seconds": 3, "nano_seconds": 750_000_000, "sequence_no": 2, "data_size": 4},
            ],
        }
    }


@pytest.mark.parametrize(
    ("value", "kind", "shown"), [(1.5, "float", 1.5), ("é", "string", "é"), (b"\x01", "bytes", "01")]
)
def test_metrics_have_the_types_of_the_wire(value: Any, kind: str, shown: Any) -> None:
    book = MetricBook(lambda: 0.0)
    book.set("m", value)
    metric = json.loads(json.dumps(book.as_json()))["m"]
    assert (metric["type"], metric["values"][0]["value"]) == (kind, shown)


def test_books_of_several_workers_merge_by_time() -> None:
    books = []
    for times in ([1.0, 4.0], [2.0, 3.0]):
        clock = iter(times)
        book = MetricBook(lambda clock=clock: next(clock), capacity=3)
        for time in times:
            book.set("t", time)
        books.append(book.as_json())
    values = merge(books)["t"]["values"]
    assert [value["value"] for value in values] == [2.0, 3.0, 4.0]
    assert [value["sequence_no"] for value in values] == [1, 2, 3]


@pytest.mark.parametrize(
    ("theirs", "error"),
    [
        (Credentials("job", b"sesame"), None),
        (Credentials("job", b"barley"), "does not know|closed|reset"),
        (Credentials("job"), "silent|closed|reset"),
        (Credentials("bog", b"sesame"), "works on job"),
    ],
)
def test_only_who_knows_job_and_secret_gets_through(
    serving: Callable[..., AbstractAsyncContextManager[Address]], theirs: Any, error: Any
) -> None:
    limits = wire.Limits(silence_s=0.3)
    answers = []

    async def serve(stream: Stream) -> None:
        stream.silence_s = limits.silence_s
        peer = wire.Peer(stream, limits)
        try:
            await agree_on_job(peer, Credentials("job", b"sesame"), "server")
            answers.append(await peer.read_int())
            await peer.close()
        except PeerError as caught:
            answers.append(str(caught))
            peer.abort()

    async def run() -> None:
        async with serving(serve) as address:
            try:
                async with conversation(address, 77, theirs, limits, 0.5) as peer:
                    await peer.flush()
            except PeerError:
                pass
            await until_async(lambda: answers)

    asyncio.run(run())
    assert len(answers) == 1
    if error is None:
        assert answers == [77]
    else:
        assert any(part in answers[0] for part in error.split("|")), answers


def test_a_secret_is_never_shown() -> None:
    assert "sesame" not in repr(Credentials("job", b"sesame"))


def test_an_unreachable_address_is_told_apart(serving: Callable[..., AbstractAsyncContextManager[Address]]) -> None:
    async def run() -> None:
        async with conversation(Address("127.0.0.1", 1), 1, Credentials("job"), wire.Limits(), 1.0):
            pass

    with pytest.raises(PeerError, match=r"127\.0\.0\.1:1"):
        asyncio.run(run())


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    write_atomically(tmp_path / "status.json", {"n": 1})
    write_atomically(tmp_path / "status.json", {"n": 2})
    assert json.loads((tmp_path / "status.json").read_text(encoding="utf-8")) == {"n": 2}
    assert [file.name for file in tmp_path.iterdir()] == ["status.json"]


@pytest.mark.parametrize(("status", "text"), [(9, "was killed by SIGKILL"), (3 << 8, "exited with status 3")])
def test_ends_of_processes_are_described(status: int, text: Any) -> None:
    assert describe_exit(status) == text
