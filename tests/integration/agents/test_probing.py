"""Asking real ports: a task manager of ours, somebody else's, nobody's, one that never answers."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudpits.agents import probing
from cloudpits.agents.membership import Answer
from cloudpits.agents.probing import probe_all
from cloudpits.agents.processes import find_program
from cloudpits.spits.handshake import Credentials
from tests.integration.agents.region import PATIENCE_S, until

PORT = 7727


@pytest.fixture
def task_manager(module: Path, addresses: Iterator[str], tmp_path: Path) -> Iterator[str]:
    """The address of a ``spits-tm`` for job ``mine``."""
    (tmp_path / "secret").write_text("s3cr3t\n")
    address = next(addresses)
    options = ["--job", "mine", "--bind", address, "--port", str(PORT), "--workers", "1"]
    secret = ["--secret-file", str(tmp_path / "secret")]
    process = subprocess.Popen([find_program("spits-tm"), *options, *secret, str(module), "1000", "1"])
    yield address
    process.kill()
    process.wait()


def ask(ip: str, job: str = "mine", secret: bytes = b"s3cr3t") -> Answer:
    return probe_all({"i-a": ip}, PORT, Credentials(job, secret), PATIENCE_S)["i-a"]


def test_only_a_task_manager_of_this_job_is_ready(task_manager: str) -> None:
    until(lambda: ask(task_manager) is Answer.READY, "the start of the task manager")
    assert ask(task_manager, job="other") is Answer.CLOSED
    assert ask(task_manager, secret=b"guessed") is Answer.CLOSED


def test_nobody_there_is_closed(addresses: Iterator[str]) -> None:
    assert ask(next(addresses)) is Answer.CLOSED


def test_one_that_never_answers_is_silent(addresses: Iterator[str]) -> None:
    address = next(addresses)
    with socket.create_server((address, PORT)):
        assert probe_all({"i-a": address}, PORT, Credentials("mine"), timeout_s=0.5) == {"i-a": Answer.SILENT}


def test_one_that_does_not_answer_holds_nobody_up(addresses: Iterator[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "PROBE_S", PATIENCE_S)
    first, second = next(addresses), next(addresses)
    with socket.create_server((first, PORT)) as one, socket.create_server((second, PORT)) as other:

        def hang_up() -> None:
            """On the first, once the second has been asked."""
            other.accept()[0].close()
            one.accept()[0].close()

        threading.Thread(target=hang_up, daemon=True).start()
        answers = probe_all({"i-a": first, "i-b": second}, PORT, Credentials("mine"), PATIENCE_S)
    assert answers == {"i-a": Answer.CLOSED, "i-b": Answer.CLOSED}, "silent, had the second waited for the first"
