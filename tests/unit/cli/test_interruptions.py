"""What a person, or the machine, does to a command while it works: Ctrl-C, a closed pipe, a full disk."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import PATIENCE_S

COMMAND = [sys.executable, "-m", "cloudpits.cli.main"]


def started(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def interrupted(work: str, *arguments: str) -> tuple[int, str]:
    """Exit code and stderr of a command that gets Ctrl-C where ``work`` (Python) stands in for its import."""
    code = f"import sys\nfrom cloudpits.cli import main\n{work}\nmain.main({list(arguments)!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    "work",
    [
        "def stop(*a, **k): raise KeyboardInterrupt\nmain._run = stop",
        "from cloudpits.cli import doctor\ndef stop(): raise KeyboardInterrupt\ndoctor.CHECKS = (stop,)",
    ],
    ids=["while it is loaded", "while it works"],
)
def test_ctrl_c_is_one_line_and_exit_130(work: str) -> None:
    assert interrupted(work, "doctor") == (130, "cloudpits: interrupted\n")


def test_a_closed_pipe_ends_a_command_quietly() -> None:
    process = started("--help")
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(PATIENCE_S) == 0
    assert process.stderr is not None
    assert process.stderr.read() == ""


def test_a_full_disk_is_bad_output_not_a_defect() -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run([*COMMAND, "--help"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "cloudpits: output: No space left on device; make room, or write elsewhere\n"
