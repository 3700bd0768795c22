"""Asking real ports: a task manager of ours, somebody else's, nobody's, one that never answers."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudpits.agents.membership import Answer
from cloudpits.agents.probing import probe_all
from cloudpits.agents.processes import find_program
from cloudpits.spits.handshake import Credentials

PORT = 17731
pytestmark = pytest.mark.xdist_group("agents")


@pytest.fixture
def task_manager(module: Path, tmp_path: Path) -> Iterator[str]:
    """The address of a ``spits-tm`` for job ``mine``."""
    (tmp_path / "secret").write_text("s3cr3t\n")
    options = ["--job", "mine", "--bind", "127.0.53.1", "--port", str(PORT), "--workers", "1"]
    secret = ["--secret-file", str(tmp_path / "secret")]
    process = subprocess.Popen([find_program("spits-tm"), *options, *secret, str(module), "1000", "1"])
    yield "127.0.53.1"
    process.kill()
    process.wait()


def ask(ip: str, job: str = "mine", secret: bytes = b"s3cr3t") -> Answer:
    return probe_all({"i-a": ip}, PORT, Credentials(job, secret), timeout_s=2.0)["i-a"]


def test_only_a_task_manager_of_this_job_is_ready(task_manager: str) -> None:
    deadline = time.monotonic() + 30
    while ask(task_manager) is not Answer.READY:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert ask(task_manager, job="other") is Answer.CLOSED
    assert ask(task_manager, secret=b"guessed") is Answer.CLOSED


def test_nobody_there_is_closed() -> None:
    assert ask("127.0.53.2") is Answer.CLOSED


def test_one_that_never_answers_is_silent_and_holds_nobody_up() -> None:
    with socket.create_server(("127.0.53.3", PORT)):
        started = time.monotonic()
        answers = probe_all({"i-a": "127.0.53.3", "i-b": "127.0.53.4"}, PORT, Credentials("mine"), timeout_s=0.5)
    assert answers == {"i-a": Answer.SILENT, "i-b": Answer.CLOSED}
    assert time.monotonic() - started < 5
