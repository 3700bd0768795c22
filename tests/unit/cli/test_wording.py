"""Money and time as people read them; what doctor finds."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cloudpits.cli import doctor
from cloudpits.cli.output import duration, usd
from cloudpits.domain.errors import InvalidInputError


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "–"), (8.4, "8 s"), (750, "12 min 30 s"), (3600, "1 h 00 min"), (11_100, "3 h 05 min")]
)
def test_durations(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(("amount", "text"), [(None, "–"), (0.0123, "0.0123 USD"), (1234.5, "1,234.50 USD")])
def test_money(amount: float | None, text: str) -> None:
    assert usd(amount) == text


def test_doctor_names_the_first_thing_to_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = doctor.Finding("Node.js", "missing", "deploy", "install Node.js 20 or newer")
    monkeypatch.setattr(doctor, "CHECKS", (doctor.python_version, lambda: missing))
    with pytest.raises(InvalidInputError, match=r"Node\.js: missing; install Node\.js 20"):
        doctor.doctor()


def test_doctor_is_content_without_optional_things(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    absent = doctor.Finding("Chromium", "missing", "report tests", "apt-get install chromium")
    monkeypatch.setattr(doctor, "CHECKS", (doctor.python_version, lambda: absent))
    doctor.doctor(as_json=True)
    document = json.loads(capsys.readouterr().out)
    assert document["well"] is True
    assert [check["name"] for check in document["checks"]] == ["Python", "Chromium"]


def test_a_node_beside_the_command_serves_it_without_an_activated_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, typed: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "node").write_text("#!/bin/sh\necho v24.1.0\n")
    (tmp_path / "node").chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setattr(doctor, "CHECKS", (doctor.node_version,))
    assert typed("doctor", "--json") == 0
    assert json.loads(capsys.readouterr().out)["checks"][0]["found"] == "v24.1.0"
