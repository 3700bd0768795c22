"""A child process: started, ended, started again, its last words kept."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cloudpits.agents.processes import Process
from tests.integration.agents.region import until


def child(script: str, folder: Path) -> Process:
    return Process([sys.executable, "-c", script], folder, folder / "child.log", {"GREETING": "hello"})


def ended(process: Process) -> int:
    until(lambda: process.poll() is not None, "the end of the child")
    code = process.poll()
    assert code is not None
    return code


def test_it_runs_in_its_folder_with_its_environment(tmp_path: Path) -> None:
    process = child("import os; print(os.environ['GREETING'], os.getcwd())", tmp_path)
    assert process.poll() is None
    process.start()
    assert ended(process) == 0
    assert process.last_words() == f"hello {tmp_path}"


def test_its_errors_are_its_last_words(tmp_path: Path) -> None:
    process = child("import sys; print('working'); sys.exit('module libpi.so: not found')", tmp_path)
    process.start()
    assert ended(process) == 1
    assert process.last_words() == "module libpi.so: not found"


def test_what_a_killed_child_said_is_not_lost(tmp_path: Path) -> None:
    process = child("import os, signal; print('half way'); os.kill(os.getpid(), signal.SIGKILL)", tmp_path)
    process.start()
    assert ended(process) == -9
    assert process.last_words() == "half way"


def test_it_can_be_started_again_and_its_log_goes_on(tmp_path: Path) -> None:
    process = child("print('once')", tmp_path)
    for _ in range(2):
        process.start()
        ended(process)
    assert (tmp_path / "child.log").read_text() == "once\nonce\n"


@pytest.mark.parametrize(("ask", "code"), [("terminate", -15), ("kill", -9)])
def test_it_can_be_ended(tmp_path: Path, ask: str, code: int) -> None:
    process = child("import signal; signal.pause()", tmp_path)
    process.start()
    getattr(process, ask)()
    assert ended(process) == code
    process.terminate()
    process.kill()


def test_before_it_has_said_anything_there_are_no_last_words(tmp_path: Path) -> None:
    assert child("", tmp_path).last_words() == ""
