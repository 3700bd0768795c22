"""The command ``cloudpits-agent``: bad input ends it with one line that says what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cloudpits.agents.main import CONFIG_VARIABLE, main, read_document
from cloudpits.config.agent import AgentDocument


def test_a_missing_document_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", str(tmp_path / "agent.json")]) == 2
    assert capsys.readouterr().err == (
        f"cloudpits-agent: {tmp_path}/agent.json: no such file; "
        "the instance's user data writes it, or name one with --config\n"
    )


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"role": "spectator"}, "role: Input should be 'worker' or 'job-manager'"),
        ({"bucket": None}, "bucket: must be text, in quotes"),
        ({"colour": "red"}, "colour: unknown field"),
    ],
)
def test_the_wrong_field_is_named(
    change: dict[str, object], problem: str, document: AgentDocument, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "agent.json"
    path.write_text(json.dumps({**document.model_dump(mode="json"), **change}))
    assert main(["--config", str(path)]) == 2
    message = capsys.readouterr().err
    assert f"{path}: {problem}" in message
    assert message.count("\n") == 1


def test_the_environment_may_name_the_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(CONFIG_VARIABLE, str(tmp_path / "elsewhere.json"))
    assert main([]) == 2
    assert "elsewhere.json" in capsys.readouterr().err


def test_a_good_document_is_read(document: AgentDocument, tmp_path: Path) -> None:
    path = tmp_path / "agent.json"
    path.write_text(document.model_dump_json())
    assert read_document(path) == document
