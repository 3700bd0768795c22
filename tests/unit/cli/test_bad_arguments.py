"""Options and arguments that are empty, folders or otherwise of no use: each is named in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

Typed = Callable[..., int]


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        (["plan", ""], "EXPERIMENT"),
        (["plan", "bag.toml", "--prices", ""], "--prices"),
        (["plan", "bag.toml", "--prices="], "--prices"),
        (["plan", "bag.toml", "--performance", " "], "--performance"),
        (["plan", "bag.toml", "--report", ""], "--report"),
        (["simulate", "bag.toml", "--prices", "x", "--budgets", ""], "--budgets"),
        (["simulate", "bag.toml", "--prices", "x", "--policy", ""], "--policy"),
        (["compare", "bag.toml", "--prices", "x", "--workload", ""], "--workload"),
        (["run", "bag.toml", "--local", "--performance", ""], "--performance"),
        (["deploy", "bag.toml", "--run", ""], "--run"),
        (["report", ""], "RUN"),
        (["import-legacy", ""], "DUMP"),
    ],
)
def test_what_is_empty_is_named(
    typed: Typed, arguments: list[str], place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed(*arguments) == 2
    assert capsys.readouterr().err == f"cloudpits: {place}: is empty; give a value, or leave it out\n"


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        (["plan", "{folder}"], "EXPERIMENT"),
        (["status", "{folder}"], "EXPERIMENT"),
        (["plan", "bag.toml", "--prices", "{folder}"], "--prices"),
        (["simulate", "bag.toml", "--prices", "{folder}"], "--prices"),
        (["plan", "bag.toml", "--performance", "{folder}"], "--performance"),
        (["import-legacy", "{folder}"], "DUMP"),
        (["import-legacy", "x.sql", "--use-for", "{folder}"], "--use-for"),
    ],
)
def test_a_folder_instead_of_a_file_is_named(
    typed: Typed, arguments: list[str], place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed(*(argument.format(folder=tmp_path) for argument in arguments)) == 2
    assert capsys.readouterr().err == f"cloudpits: {place}: {tmp_path} is a folder; name a file\n"


@pytest.mark.parametrize("run", ["a b", "../x", "-x", "x" * 64, "x\n"])
def test_a_run_id_that_cannot_be_deployed_is_told_before_the_plan(
    typed: Typed, run: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed("deploy", "bag.toml", f"--run={run}") == 2
    told = capsys.readouterr().err
    assert told.startswith("cloudpits: --run: ")
    assert len(told.splitlines()) == 1
