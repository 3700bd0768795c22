from datetime import UTC, datetime
from pathlib import Path

import pytest

from cloudpits.local.stage import RUNS, new_run

AT = datetime(2021, 3, 10, 12, 0, 0, tzinfo=UTC)


def test_runs_of_the_same_second_have_names_and_folders_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    runs = [new_run("pi", AT) for _ in range(3)]

    assert runs == ["pi-20210310-120000", "pi-20210310-120000-2", "pi-20210310-120000-3"]
    assert all((tmp_path / RUNS / run).is_dir() for run in runs)
