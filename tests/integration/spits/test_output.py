"""What programs print, which the runtime's processes write to the same log as what they say themselves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import until

SPEAKING = """
import os

class JobManager:
    def __init__(self, arguments, jobinfo):
        self.tasks = [b"1"]
    def next_task(self):
        return self.tasks.pop() if self.tasks else None

class Worker:
    def __init__(self, arguments):
        pass
    def run(self, task):
        print("the task says something and crashes")
        os.abort()

class Committer:
    def __init__(self, arguments, jobinfo):
        pass
    def commit_pit(self, result):
        pass
    def commit_job(self):
        return b""

def main(arguments, runner):
    print("main begins")
    runner(arguments, b"")
    print("main ends", end="")
    return 0
"""
ARGUMENTS = "1 0 0 1 speak 1"


@pytest.fixture(params=["compiled", "Python"])
def program(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Its only task prints a line and crashes, main prints one before and an unfinished one after the run."""
    if request.param == "compiled":
        compiled: Path = request.getfixturevalue("trial_module")
        return compiled
    path = tmp_path / "speaking.py"
    path.write_text(SPEAKING)
    return path


def test_what_was_printed_is_in_the_log_before_what_became_of_it(cluster: Any, program: Path) -> None:
    manager = cluster.task_manager(program, ARGUMENTS)
    job = cluster.job_manager(program, ARGUMENTS, "--on-poison", "skip", "--status", "status.json")
    assert job.wait() == manager.wait() == 0
    said = manager.text()
    assert said.count("the task says something and crashes\n") == 3, "in each attempt"
    assert said.index("the task says something") < said.index("task 1 of run 1 failed")
    assert "main begins\n" in job.text()
    assert "main ends" in job.text(), "an unfinished line"


def test_the_dry_run_that_counts_tasks_prints_nothing_into_the_log_of_the_job(cluster: Any, program: Path) -> None:
    job = cluster.job_manager(program, ARGUMENTS, "--on-poison", "skip", "--status", "status.json")
    until(lambda: cluster.status().get("tasks_total") == 1)
    cluster.task_manager(program, ARGUMENTS)
    assert job.wait() == 0
    assert job.text().count("main begins") == 1


PRINTING = """
import ctypes
from cloudpits.spits.output import write_lines_at_once

write_lines_at_once()
print("line", 1)
c = ctypes.CDLL(None)
c.printf(b"line 2")
c.puts(b" of C")
"""


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_each_line_is_written_at_once_and_whole(unbuffered: str) -> None:
    reading, writing = os.pipe2(os.O_DIRECT)  # what is read is what one write wrote
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    subprocess.run([sys.executable, "-c", PRINTING], stdout=writing, env=environment, check=True)
    os.close(writing)
    writes = [os.read(reading, 4096) for _ in range(3)]
    os.close(reading)
    assert writes == [b"line 1\n", b"line 2 of C\n", b""]
