"""No process survives its embedded cloud."""

import os
import signal
import subprocess
import sys
import time
from typing import Any

from cloudpits.local.warden import MARK, Warden, marked, sweep

# A tree of three: each starts the next in a session of its own and sleeps.
TREE = """
import subprocess, sys, time
depth = int(sys.argv[1])
if depth:
    subprocess.Popen([sys.executable, "-c", sys.argv[2], str(depth - 1), sys.argv[2]], start_new_session=True)
time.sleep(60)
"""
STARTER = """
import os, subprocess, sys, time
from cloudpits.local.warden import MARK, Warden
warden = Warden(sys.argv[1])
subprocess.Popen([sys.executable, "-c", sys.argv[2], "1", sys.argv[2]], env={**os.environ, MARK: sys.argv[1]})
print("started", flush=True)
time.sleep(60)
"""


def start_tree(mark: Any) -> Any:
    return subprocess.Popen([sys.executable, "-c", TREE, "2", TREE], env={**os.environ, MARK: mark})


def wait_for(count: Any, mark: Any, seconds: Any = 10.0) -> Any:
    deadline = time.monotonic() + seconds
    while len(list(marked(mark))) != count and time.monotonic() < deadline:
        time.sleep(0.05)
    return len(list(marked(mark)))


def test_a_sweep_ends_children_of_children_in_sessions_of_their_own() -> None:
    tree = start_tree("sweep-test")
    assert wait_for(3, "sweep-test") == 3

    assert sweep("sweep-test") == 3

    tree.wait()
    assert wait_for(0, "sweep-test") == 0


def test_a_sweep_leaves_other_marks_alone() -> None:
    tree = start_tree("left-alone")
    assert wait_for(3, "left-alone") == 3

    assert sweep("left") == 0

    assert len(list(marked("left-alone"))) == 3
    sweep("left-alone")
    tree.wait()


def test_dismissing_the_warden_ends_everything() -> None:
    warden = Warden("dismissed")
    tree = start_tree("dismissed")
    assert wait_for(3, "dismissed") == 3

    warden.dismiss()

    tree.wait(5)
    assert wait_for(0, "dismissed") == 0


def test_nothing_survives_a_starter_that_was_killed() -> None:
    command = [sys.executable, "-c", STARTER, "orphans", TREE]
    starter = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert starter.stdout.readline() == "started\n"
    assert wait_for(2, "orphans") == 2

    os.kill(starter.pid, signal.SIGKILL)
    starter.wait()

    assert wait_for(0, "orphans") == 0
