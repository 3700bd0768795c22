"""Only what the program wrote is stored, and the logs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cloudpits.agents.artefacts import Workspace
from cloudpits.agents.outputs import Outputs

PREFIX = "s3://artefacts/runs/pi-1/output/"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = Workspace.fresh(tmp_path, "pi-1")
    (workspace.job / "input.su").write_text("given")
    (workspace.job / "changed.txt").write_text("before")
    return workspace


def test_new_and_changed_files_and_logs_are_stored(workspace: Workspace, store: Any, clock: Any) -> None:
    outputs = Outputs(workspace, PREFIX)
    (workspace.job / "images").mkdir()
    (workspace.job / "images" / "stack.su").write_text("result")
    (workspace.job / "changed.txt").write_text("afterwards")
    (workspace.logs / "spits-jm.log").write_text("done")
    (workspace.job / "link").symlink_to("/etc/hostname")
    assert outputs.store(store, clock) == 3
    assert store.objects == {
        f"{PREFIX}images/stack.su": b"result",
        f"{PREFIX}changed.txt": b"afterwards",
        f"{PREFIX}logs/spits-jm.log": b"done",
    }


def test_s3_may_refuse_for_a_while(workspace: Workspace, store: Any, clock: Any) -> None:
    outputs = Outputs(workspace, PREFIX)
    (workspace.job / "pi.txt").write_text("3.14")
    store.refusals = 3
    outputs.store(store, clock)
    assert store.objects[f"{PREFIX}pi.txt"] == b"3.14"
