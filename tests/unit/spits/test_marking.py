"""Marks that the program's job-manager roles leave for whoever watches the process."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import pytest

from cloudpits.spits.commands.watching import watch_job
from cloudpits.spits.programs.interface import RoleError
from cloudpits.spits.programs.marking import Call, MarkedProgram, Marks


def role(**methods: Any) -> Any:
    return SimpleNamespace(close=lambda: None, **methods)


def test_a_call_is_marked_while_it_lasts() -> None:
    marks, seen = Marks(), []
    program = SimpleNamespace(
        committer=lambda *_: seen.append(marks.read()) or role(commit=lambda *_: seen.append(marks.read())),
        job_manager=lambda *_: role(next_task=lambda _: seen.append(marks.read())),
    )
    marked = MarkedProgram(program, marks)
    sink = marked.committer([], b"")
    marked.job_manager([], b"").next_task(5)
    sink.commit(4, b"result")
    assert seen == [[Call("committer_new", 1, 0)], [Call("next_task", 1, 5)], [Call("commit_pit", 1, 4)]]
    assert marks.read() == []


def test_a_call_that_raises_is_over() -> None:
    def finish() -> bytes:
        raise RoleError("no")

    marks = Marks()
    sink = MarkedProgram(SimpleNamespace(committer=lambda *_: role(finish=finish)), marks).committer([], b"")
    with pytest.raises(RoleError):
        sink.finish()
    assert marks.read() == []


def test_calls_are_named_for_people() -> None:
    assert str(Call("commit_pit", 2, 7)) == "commit_pit of task 7 of run 2"
    assert str(Call("commit_job", 2, 0)) == "commit_job of run 2"


def test_the_call_under_way_in_every_attempt_is_to_blame(tmp_path: Any, capfd: pytest.CaptureFixture[str]) -> None:
    marks = Marks()

    def run() -> int:
        attempt = len(list(tmp_path.iterdir()))
        (tmp_path / str(attempt)).touch()
        with marks.call(0, "next_task", 1, 100 + attempt), marks.call(1, "commit_pit", 1, 7):
            os._exit(1)

    assert watch_job(run, marks, None, 3) == 5
    last = capfd.readouterr().err.splitlines()[-1]
    assert last == (
        "error: commit_pit of task 7 of run 1: the program crashed the job manager (exited with status 1) in 3 attempts"
    )


@pytest.mark.parametrize("code", [0, 1, 2, 5])
def test_an_end_outside_of_the_program_is_passed_on(code: int) -> None:
    assert watch_job(lambda: code, Marks(), None, 3) == code
