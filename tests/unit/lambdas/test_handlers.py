"""The functions' handlers: thin, and true to their example events."""

from __future__ import annotations

import ast
import importlib.util
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cloudpits import bootstrap
from cloudpits.config.events import parse_rebalancer_event

LAMBDAS = Path(__file__).parents[3] / "lambdas"
OURS = ("rebalancer", "spot_events")
CONTEXT = SimpleNamespace(
    function_name="f", memory_limit_in_mb=128, invoked_function_arn="arn:aws:lambda:f", aws_request_id="request-1"
)


def load(function: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"{function}_handler", LAMBDAS / function / "handler.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("function", OURS)
def test_handlers_hold_no_logic(function: str) -> None:
    source = (LAMBDAS / function / "handler.py").read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 15
    nodes = ast.walk(ast.parse(source))
    imported = {f"{n.module}.{n.names[0].name}" for n in nodes if isinstance(n, ast.ImportFrom)}
    assert imported == {"typing.Any", "cloudpits.bootstrap"}


@pytest.mark.parametrize(("function", "wiring"), [("rebalancer", "controller"), ("spot_events", "spot_events")])
def test_handlers_pass_event_and_request_on(monkeypatch: pytest.MonkeyPatch, function: str, wiring: str) -> None:
    monkeypatch.setattr(bootstrap, wiring, lambda: lambda event, request_id: {"event": event, "id": request_id})
    assert load(function).handler({"a": 1}, CONTEXT) == {"event": {"a": 1}, "id": "request-1"}


@pytest.mark.parametrize("path", sorted((LAMBDAS / "rebalancer" / "events").glob("*.json")), ids=lambda path: path.stem)
def test_every_example_event_of_the_rebalancer_is_accepted(path: Path) -> None:
    event = parse_rebalancer_event(json.loads(path.read_text(encoding="utf-8")))
    expected = path.stem if path.stem in ("status", "plan", "drain", "stop") else "rebalance"
    assert event.action == expected
