"""The real CDK command line, in a checkout whose path holds spaces and umlauts; the application is a stand-in."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cloudpits.cli.cdk import run_cdk
from cloudpits.local.deploying import HOME, Deployment

REPOSITORY = Path(__file__).parents[3]
# Writes an assembly with one stack, whose template is an asset, and notes which interpreter runs it.
APP = """
import json, os, pathlib, sys
pathlib.Path("ran-by").write_text(sys.executable, encoding="utf-8")
out = pathlib.Path(os.environ["CDK_OUTDIR"])
(out / "asset.new").mkdir(parents=True, exist_ok=True)
(out / "asset.new" / "file").write_text("new", encoding="utf-8")
(out / "demo.template.json").write_text('{"Resources": {}}', encoding="utf-8")
(out / "demo.assets.json").write_text('{"version": "36.0.0", "files": {"new": {"source": {"path": "asset.new"}}}}')
stack = {"type": "aws:cloudformation:stack", "environment": "aws://123456789012/us-east-1"}
stack["properties"] = {"templateFile": "demo.template.json"}
(out / "manifest.json").write_text(json.dumps({"version": "36.0.0", "artifacts": {"demo": stack}}))
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the CDK needs, and an interpreter in it that runs this test."""
    folder = tmp_path / "mein Ordner für 'alles'"
    folder.mkdir()
    (folder / "node_modules").symlink_to(REPOSITORY / "node_modules")
    (folder / "python").symlink_to(sys.executable)
    (folder / "cdk.json").write_text("{}", encoding="utf-8")
    (folder / "app.py").write_text(APP, encoding="utf-8")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    return folder


def test_the_app_is_run_by_the_interpreter_of_the_command(checkout: Path) -> None:
    run_cdk(["synth", "--quiet"])

    assert (checkout / "ran-by").read_text(encoding="utf-8") == str(checkout / "python")


@pytest.fixture
def synthesise(checkout: Path) -> Callable[[str], Path]:
    """Synthesise for a run; its assembly."""

    def synthesise(run: str) -> Path:
        folder = checkout / run
        folder.mkdir()
        HOME.mkdir(exist_ok=True)
        Deployment(folder, os.environ, {"run": run}).synthesise()
        return folder / "cdk.out"

    return synthesise


def test_each_run_has_an_assembly_of_its_own(synthesise: Callable[[str], Path]) -> None:
    assembly = synthesise("one")

    (assembly / "demo.template.json").write_text("changed", encoding="utf-8")

    shared = json.loads((HOME / "cdk.out" / "demo.template.json").read_text(encoding="utf-8"))
    assert shared == {"Resources": {}}
    assert (assembly / "asset.new" / "file").read_text(encoding="utf-8") == "new"


def test_assets_of_old_versions_are_forgotten(synthesise: Callable[[str], Path]) -> None:
    shared = HOME / "cdk.out"
    for name in ("asset.old", "asset.new", "asset.recent"):
        (shared / name).mkdir(parents=True)
    for name in ("asset.old", "asset.new"):
        os.utime(shared / name, (0, 0))

    synthesise("one")

    assert sorted(path.name for path in shared.glob("asset.*")) == ["asset.new", "asset.recent"]
