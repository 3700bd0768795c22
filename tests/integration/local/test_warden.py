"""No process survives its embedded cloud."""

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from cloudpits.local.warden import MARK, Warden, marked, sweep
from tests.waiting import PATIENCE_S, until

# A tree of three: each starts the next in a session of its own and stays until it is ended.
TREE = """
import signal, subprocess, sys
depth = int(sys.argv[1])
if depth:
    subprocess.Popen([sys.executable, "-c", sys.argv[2], str(depth - 1), sys.argv[2]], start_new_session=True)
signal.pause()
"""
STARTER = """
import os, signal, subprocess, sys
from cloudpits.local.warden import MARK, Warden
warden = Warden(sys.argv[1])
subprocess.Popen([sys.executable, "-c", sys.argv[2], "1", sys.argv[2]], env={**os.environ, MARK: sys.argv[1]})
print("started", flush=True)
signal.pause()
"""


@pytest.fixture
def mark() -> Iterator[str]:
    """A mark that no other test, here or in another checkout, uses."""
    mark = f"a märk {secrets.token_hex(8)}"
    yield mark
    sweep(mark)


def start_tree(mark: str) -> Any:
    return subprocess.Popen([sys.executable, "-c", TREE, "2", TREE], env={**os.environ, MARK: mark})


def await_count(count: int, mark: str) -> None:
    until(lambda: len(list(marked(mark))) == count, lambda: f"{len(list(marked(mark)))} processes are marked")


def test_a_sweep_ends_children_of_children_in_sessions_of_their_own(mark: str) -> None:
    tree = start_tree(mark)
    await_count(3, mark)

    assert sweep(mark) == 3

    tree.wait()
    await_count(0, mark)


def test_a_sweep_leaves_other_marks_alone(mark: str) -> None:
    tree = start_tree(mark)
    await_count(3, mark)

    assert sweep(mark[:-1]) == 0

    assert len(list(marked(mark))) == 3
    sweep(mark)
    tree.wait()


def test_dismissing_the_warden_ends_everything(mark: str) -> None:
    warden = Warden(mark)
    tree = start_tree(mark)
    await_count(3, mark)

    warden.dismiss()

    tree.wait(PATIENCE_S)
    await_count(0, mark)


def test_nothing_survives_a_starter_that_was_killed(mark: str) -> None:
    command = [sys.executable, "-c", STARTER, mark, TREE]
    starter = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert starter.stdout.readline() == "started\n"
    await_count(2, mark)

    os.kill(starter.pid, signal.SIGKILL)
    starter.wait()

    await_count(0, mark)
