"""The journal: durable, resumable, copyable while open."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cloudpits.spits import journal as journal_module
from cloudpits.spits.errors import InputError
from cloudpits.spits.journal import RESULT, Journal, Record


@pytest.fixture
def open_journal(tmp_path: Path) -> Any:
    return lambda job="job", arguments=("1",), folder="journal": Journal(tmp_path / folder, job, arguments)


def fill(journal: Any, run_id: int, task_ids: list[int]) -> None:
    for task_id in task_ids:
        journal.append(Record(RESULT, run_id, task_id, b"%d" % task_id))
    journal.sync()


def ids(journal: Any, run_id: int) -> Any:
    return [record.task_id for record in journal.replay(run_id)]


def test_what_was_synced_is_replayed_in_order(open_journal: Callable[..., Journal]) -> None:
    fill(open_journal(), 1, [3, 1, 2])
    resumed = open_journal()
    assert resumed.resumed
    assert list(resumed.replay(1)) == [Record(RESULT, 1, n, b"%d" % n) for n in (3, 1, 2)]
    assert ids(resumed, 2) == []


def test_runs_are_replayed_apart_across_restarts(open_journal: Callable[..., Journal]) -> None:
    first = open_journal()
    fill(first, 1, [1, 2])
    fill(first, 2, [1])
    second = open_journal()
    fill(second, 2, [2, 3])
    third = open_journal()
    assert (ids(third, 1), ids(third, 2)) == ([1, 2], [1, 2, 3])


def test_an_empty_result_is_a_result(open_journal: Callable[..., Journal]) -> None:
    journal = open_journal()
    journal.append(Record(RESULT, 1, 1, b""))
    journal.sync()
    assert list(open_journal().replay(1)) == [Record(RESULT, 1, 1, b"")]


def test_a_copy_taken_while_open_is_a_journal(open_journal: Callable[..., Journal], tmp_path: Path) -> None:
    journal = open_journal()
    fill(journal, 1, [1, 2])
    journal.append(Record(RESULT, 1, 3, b"x" * 100_000))
    shutil.copytree(tmp_path / "journal", tmp_path / "copy")
    copy = open_journal(folder="copy")
    assert ids(copy, 1)[:2] == [1, 2]


def test_older_segments_are_never_touched(open_journal: Callable[..., Journal], tmp_path: Path) -> None:
    fill(open_journal(), 1, [1])
    [segment] = (tmp_path / "journal").iterdir()
    before = segment.read_bytes()
    fill(open_journal(), 1, [2])
    assert segment.read_bytes() == before
    assert len(list((tmp_path / "journal").iterdir())) == 2


def test_a_full_segment_is_followed_by_another(
    open_journal: Callable[..., Journal], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "_SEGMENT_BYTES", 1000)
    journal = open_journal()
    for task_id in range(1, 101):
        journal.append(Record(RESULT, 1, task_id, b"x" * 100))
        journal.sync()
    assert len(list((tmp_path / "journal").iterdir())) > 5
    assert ids(open_journal(), 1) == list(range(1, 101))


@pytest.mark.parametrize("other", [{"job": "other"}, {"arguments": ("2",)}])
def test_another_jobs_journal_is_refused(open_journal: Callable[..., Journal], other: Any) -> None:
    fill(open_journal(), 1, [1])
    with pytest.raises(InputError, match="give another directory or job id"):
        open_journal(**other)


def test_a_file_that_is_no_journal_is_refused(open_journal: Callable[..., Journal], tmp_path: Path) -> None:
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal" / "journal-000001.seg").write_bytes(b"something else, long enough")
    with pytest.raises(InputError, match="not a CloudPITS journal"):
        open_journal()
