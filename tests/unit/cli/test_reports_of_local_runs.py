"""``cloudpits report`` of a local run: its folder or its report.json, and what is neither."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cloudpits.application.run_report import FILE_NAME

Typed = Callable[..., int]


REPORT = {
    "run": "bag-1",
    "status": "completed",
    "tasks_total": 4,
    "tasks_committed": 4,
    "budget_usd": None,
    "spent_usd": 0.25,
    "makespan_s": 60.0,
    "interruptions": 0,
    "replacements": 0,
    "launch_failures": 0,
    "workers": [],
    "decisions": [{"at": None, "command": "stop", "reason": "all is done", "expected_saving_usd": None}],
}


def report_file(folder: Path, **changes: object) -> str:
    (folder / FILE_NAME).write_text(json.dumps(REPORT | changes), encoding="utf-8")
    return str(folder)


def test_a_local_run_is_shown_from_its_folder(typed: Typed, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed("report", report_file(tmp_path)) == 0
    told = capsys.readouterr().err
    assert "bag-1: completed, 4 of 4 tasks in 1 min 00 s for 0.2500 USD" in " ".join(told.split())
    assert "all is done" in told


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"spent_usd": "much"}, "spent_usd: Input should be a valid number"),
        ({"workers": [{"instance_id": "i-1"}]}, "workers.0.instance_type: is required"),
        ({"decisions": 7}, "decisions: "),
    ],
)
def test_a_report_that_was_tampered_with_names_the_key(
    typed: Typed, changes: dict[str, object], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed("report", report_file(tmp_path, **changes)) == 2
    assert f"report.json: is not the report of a run: {complaint}" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["{}", "[]", "7", "{", '{"run": "a"}', "[" * 100_000])
def test_other_json_is_no_report(
    typed: Typed, content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other.json").write_text(content, encoding="utf-8")
    assert typed("report", str(tmp_path / "other.json")) == 2
    assert "other.json: is not the report of a run: " in (told := capsys.readouterr().err)
    assert len(told.splitlines()) == 1
