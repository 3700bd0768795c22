"""Garbage on the ports, and modules and options that cannot be accepted."""

from __future__ import annotations

import json
import os
import random
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import PATIENCE_S, listening, until

INT = struct.Struct(">q")
JOB = struct.pack(">I", 5) + b"trial"
SEND, READ, READ_WAITING, METRICS = (INT.pack(kind) for kind in (0x0201, 0x0101, 0x0511, 0x0401))
HUGE = INT.pack(1 << 60)
BROKEN = {
    "nothing": b"",
    "half a job id": JOB[:6],
    "an endless job id": b"\xff\xff\xff\xff" + b"x" * 1000,
    "a job id that is not UTF-8": struct.pack(">I", 5) + b"\xff\xfe\xfd\xfc\xfb",
    "an unknown message": JOB + INT.pack(0x7777),
    "half a message type": JOB + SEND[:3],
    "a task of 2^60 bytes": JOB + SEND + INT.pack(3) + INT.pack(1) + HUGE,
    "a task of -5 bytes": JOB + SEND + INT.pack(3) + INT.pack(1) + INT.pack(-5),
    "a task with a negative id": JOB + SEND + INT.pack(-3) + INT.pack(1) + INT.pack(0),
    "half a task": JOB + SEND + INT.pack(3) + INT.pack(1) + INT.pack(100) + b"x" * 50,
    "a wrong acknowledgement": JOB + READ + INT.pack(0x55) * 3,
    "an endless wait": JOB + READ_WAITING + HUGE,
    "metrics, then garbage": JOB + METRICS + b"\x00" * 999,
}


def throw(address: Any, data: Any) -> None:
    """Send it, half-close, and read whatever comes; a reset is an answer too."""
    with socket.create_connection(address, timeout=PATIENCE_S) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(0.2)
            while connection.recv(65536):
                pass
        except OSError:
            pass


def test_garbage_on_the_task_managers_port_loses_no_task(
    cluster: Any, trial_module: Path, expected: Callable[..., str]
) -> None:
    arguments = "100 0 0 1 none 0 50"
    manager = cluster.task_manager(trial_module, arguments)
    cluster.announced(1)
    address = cluster.nodes()[0]
    job = cluster.job_manager(trial_module, arguments)
    for data in BROKEN.values():
        throw(address, data)
    draw = random.Random(1)  # noqa: S311 - repeatable, not secret
    for _ in range(60):
        throw(address, draw.choice([b"", JOB, JOB + SEND, JOB + READ]) + draw.randbytes(draw.randint(0, 60)))
    cluster.open_gate()
    assert job.wait() == 0
    assert cluster.result() == expected(100)
    assert manager.wait() == 0
    assert "Traceback" not in manager.text()


def test_garbage_on_the_job_managers_port_is_harmless(
    cluster: Any, trial_module: Path, expected: Callable[..., str], free_port: int
) -> None:
    job = cluster.job_manager(trial_module, "30 5", "--port", free_port)
    address = ("127.0.0.1", free_port)
    until(lambda: listening(free_port))
    draw = random.Random(2)  # noqa: S311 - repeatable, not secret
    add = INT.pack(0x404)
    for text in ("", "[]", "{}", '{"host": 1}', '{"host": "x", "port": 0}', '{"host": "", "port": 5}', "[" * 5000):
        throw(address, add + struct.pack(">I", len(text)) + text.encode())
    for _ in range(60):
        throw(address, draw.choice([b"", add, INT.pack(0x406)]) + draw.randbytes(draw.randint(0, 60)))
    cluster.task_manager(trial_module, "30 5")
    assert job.wait() == 0
    assert cluster.result() == expected(30)
    assert "Traceback" not in job.text()


def hostile_task_manager(listener: Any, answers: Any) -> Any:
    """Serve each connection one of the given byte strings, in a child process."""
    pid = os.fork()
    if pid == 0:
        try:
            for number in range(10_000):
                connection, _ = listener.accept()
                connection.sendall(answers[number % len(answers)])
                if number % 3:
                    connection.close()
        finally:
            os._exit(0)
    return pid


def test_a_task_manager_that_answers_garbage_is_dropped(
    cluster: Any, trial_module: Path, expected: Callable[..., str]
) -> None:
    more = INT.pack(0x0202)
    result = INT.pack(5) + INT.pack(1) + INT.pack(0)
    answers = [
        b"",
        JOB + b"\xff" * 40,
        JOB + more * 200,
        JOB + INT.pack(0x0204),
        JOB + result + HUGE,
        JOB + result + INT.pack(-1),
        JOB + result[:10],
        JOB + struct.pack(">I", 2) + b"{}",
        JOB + struct.pack(">I", 4) + b"null",
        b"\x00" * 100,
    ]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        pid = hostile_task_manager(listener, answers)
        try:
            (cluster.folder / "nodes.txt").write_text(f"node 127.0.0.1:{listener.getsockname()[1]}\n", encoding="utf-8")
            cluster.task_manager(trial_module, "60 10")
            job = cluster.job_manager(trial_module, "60 10", "--heartbeat", 1)
            assert job.wait() == 0
            assert cluster.result() == expected(60)
            assert "Traceback" not in job.text()
        finally:
            os.kill(pid, 9)
            os.waitpid(pid, 0)


def write(path: Path, data: Any) -> Any:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("command", ["spits-jm", "spits-tm", "spits-count"])
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.so", None, "no such file"),
        ("text.so", b"int main() {}", "neither a shared object"),
        ("arm.so", b"\x7fELF\x02\x01\x01" + b"\0" * 9 + b"\x03\x00\x28\x00" + b"\0" * 44, "built for arm"),
        ("empty.py", b"", "defines no JobManager"),
        ("syntax.py", b"def", "SyntaxError"),
    ],
)
def test_a_module_that_cannot_run_is_refused_in_one_line(
    cluster: Any, command: str, name: str, content: bytes | None, message: str
) -> None:
    module = cluster.folder / name
    if content is not None:
        module.write_bytes(content)
    process = cluster.start(command, module)
    assert process.wait() == 2
    lines = [line for line in process.text().splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    assert message in lines[0]
    assert str(module) in lines[0]


def test_a_shared_object_that_is_no_spits_module_is_refused(cluster: Any, compile_module: Callable[..., Path]) -> None:
    module = compile_module(write(cluster.folder / "other.cpp", b'extern "C" int answer() { return 42; }'))
    process = cluster.start("spits-tm", "--port", 0, module)
    assert process.wait() == 2
    assert "does not export spits_main" in process.text()


def test_a_port_in_use_is_refused(cluster: Any, trial_module: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        processes = [cluster.start(command, "--port", port, trial_module) for command in ("spits-jm", "spits-tm")]
        assert [process.wait() for process in processes] == [2, 2]
        assert all(f"port 127.0.0.1:{port}" in process.text() for process in processes)


def test_an_empty_secret_is_refused(cluster: Any, trial_module: Path) -> None:
    write(cluster.folder / "secret", b"\n")
    process = cluster.start("spits-tm", "--secret-file", "secret", trial_module)
    assert process.wait() == 2
    assert "is empty" in process.text()


def test_a_program_that_cannot_start_here_ends_the_task_manager(cluster: Any) -> None:
    program = write(cluster.folder / "needy.py", b"raise RuntimeError('no device')")
    process = cluster.start("spits-tm", "--port", 0, program)
    assert process.wait() == 2
    assert "no device" in process.text()


def test_logs_can_be_json_lines(cluster: Any, trial_module: Path) -> None:
    process = cluster.task_manager(trial_module, "1", "--json-log")
    cluster.announced(1)
    cluster.job_manager(trial_module, "1").wait()
    process.wait()
    lines = [json.loads(line) for line in process.text().splitlines()]
    assert {line["level"] for line in lines} == {"INFO"}
