"""docs/spits.md names every option and message."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from cloudpits.spits import wire
from cloudpits.spits.commands import job_manager, task_manager

DOCUMENT = (Path(__file__).parents[3] / "docs" / "spits.md").read_text(encoding="utf-8")


def options(parser: argparse.ArgumentParser) -> list[str]:
    return [option for action in parser._actions for option in action.option_strings if option.startswith("--")]


@pytest.mark.parametrize(
    "option", sorted({*options(job_manager._parser()), *options(task_manager._parser())} - {"--help"})
)
def test_every_option_is_documented(option: str) -> None:
    assert f"`{option}`" in DOCUMENT


@pytest.mark.parametrize("parser", [job_manager._parser(), task_manager._parser()])
def test_the_help_shows_every_default(parser: argparse.ArgumentParser) -> None:
    told = " ".join(parser.format_help().split())
    defaults = [action.default for action in parser._actions if action.default not in (None, False, "", "==SUPPRESS==")]
    assert len(defaults) >= 5
    assert [default for default in defaults if f"(default: {default})" not in told] == []


@pytest.mark.parametrize(
    "name",
    [
        "READ_RESULTS",
        "HEARTBEAT",
        "SEND_TASK",
        "STATUS",
        "METRICS",
        "ADD_NODE",
        "LIST_NODES",
        "REMOVE_NODE",
        "HELLO",
        "READ_RESULTS_WAITING",
        "SEND_TASKS",
        "TERMINATE",
    ],
)
def test_every_message_is_documented(name: str) -> None:
    assert f"0x{getattr(wire, name):04X}" in DOCUMENT
