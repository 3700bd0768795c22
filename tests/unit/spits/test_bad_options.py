"""Options that the runtime's commands cannot accept: one line, exit code 2."""

from __future__ import annotations

import argparse

import pytest

from cloudpits.spits.commands import job_manager, task_manager


@pytest.mark.parametrize("parser", [job_manager._parser(), task_manager._parser()], ids=["spits-jm", "spits-tm"])
@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ([], "the following arguments are required: MODULE"),
        (["--port", "70000", "m.so"], "argument --port: 70000 is not between 0 and 65535"),
        (["--status", "", "m.so"], "argument --status: is empty; give a path, or leave it out"),
        ([" "], "argument MODULE: is empty; give a path, or leave it out"),
    ],
)
def test_it_is_told_in_one_line(
    parser: argparse.ArgumentParser, typed: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parser.parse_args(typed)
    assert caught.value.code == 2
    line = capsys.readouterr().err
    assert line.startswith(f"error: {told}")
    assert line.endswith(" (see --help)\n")
    assert line.count("\n") == 1
