"""The example events: accepted by the functions they are for, and offered in the Lambda console."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cloudpits.application.spot_events import parse_spot_event
from cloudpits.config.events import ACTIONS, parse_rebalancer_event
from infra.constructs.controller import SPOT_EVENTS
from infra.constructs.test_events import example_events


def test_there_is_an_example_of_every_action_and_of_a_tick() -> None:
    parsed = {name: parse_rebalancer_event(event) for name, event in example_events("rebalancer").items()}
    assert {each.action for each in parsed.values()} == set(ACTIONS)
    assert parsed["schedule"].cycle_id is not None


def test_there_is_an_example_of_every_event_that_is_subscribed_to() -> None:
    examples = example_events("spot_events")
    assert {parse_spot_event(event).kind for event in examples.values()} == {"interruption", "rebalance", "state"}
    assert set(SPOT_EVENTS) < {event["detail-type"] for event in examples.values()}


@pytest.mark.parametrize(("folder", "part"), [("rebalancer", "Rebalancer"), ("spot_events", "SpotEvents")])
def test_examples_are_shared_in_the_console(
    experiment: Any, readable: Callable[..., Any], folder: str, part: str
) -> None:
    schemas = [readable(each) for each in experiment.of_type("AWS::EventSchemas::Schema").values()]
    (schema,) = [each for each in schemas if part in each["SchemaName"]]
    assert schema["RegistryName"] == "lambda-testevent-schemas"
    assert schema["SchemaName"].startswith("_<")
    assert schema["SchemaName"].endswith(">-schema")
    offered = json.loads(schema["Content"])["components"]["examples"]
    assert {name: example["value"] for name, example in offered.items()} == example_events(folder)


def test_registry_is_made_once_with_the_shared_stack(shared: Any) -> None:
    assert shared.only("AWS::EventSchemas::Registry")["RegistryName"] == "lambda-testevent-schemas"


def test_registry_and_examples_can_be_left_out(synthesise: Callable[..., Path], experiment_file: Path) -> None:
    folder = synthesise(experiment=str(experiment_file), test_events="off")
    for path in folder.glob("*.template.json"):
        assert "AWS::EventSchemas" not in path.read_text(encoding="utf-8")
