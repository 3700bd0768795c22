"""Events typed in the Lambda console, the agent document in user data, and the environment."""

from __future__ import annotations

import pytest

from cloudpits.config.agent import AgentDocument, embed, extract
from cloudpits.config.environment import ClockEnvironment, ControllerEnvironment, read_environment
from cloudpits.config.events import ACTIONS, parse_rebalancer_event
from cloudpits.config.experiment import Program
from cloudpits.domain.errors import InvalidInputError


@pytest.mark.parametrize("event", [{}, {"source": "aws.events", "id": "e-1"}, {"source": "aws.scheduler"}])
def test_an_empty_or_scheduled_event_is_one_cycle(event: dict[str, str]) -> None:
    assert parse_rebalancer_event(event).action == "rebalance"


def test_a_scheduled_event_carries_the_id_that_a_duplicate_repeats() -> None:
    assert parse_rebalancer_event({"source": "aws.events", "id": "e-1"}).cycle_id == "e-1"


def test_drain_names_its_instance() -> None:
    assert parse_rebalancer_event({"action": "drain", "instance_id": "i-0a"}).instance_id == "i-0a"


@pytest.mark.parametrize(
    ("event", "start"),
    [
        ([], "event: must be a JSON object"),
        ({"action": "explode"}, "event.action: 'explode' is unknown"),
        ({"hello": 1}, "event.action: None is unknown"),
        ({"action": "drain"}, "event.instance_id: 'drain' needs an instance id"),
        ({"action": "drain", "instance_id": 5}, "event.instance_id: 'drain' needs an instance id"),
        ({"action": "stop", "force": True}, "event.force: unknown field"),
    ],
)
def test_anything_else_lists_what_is_accepted(event: object, start: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_rebalancer_event(event)
    message = str(caught.value)
    assert message.startswith(start)
    assert all(action in message for action in ACTIONS)


def document(**changes: object) -> AgentDocument:
    fields = {
        "role": "worker",
        "experiment": "pi",
        "run": "pi-1",
        "region": "us-east-1",
        "bucket": "b",
        "program": Program(module="x", arguments=("$(rm -rf /)", "'", "EOF")),
        "modules": {"x86_64": "s3://b/m.so"},
    }
    return AgentDocument.model_validate(fields | changes)


def test_the_agent_document_survives_user_data_with_hostile_arguments() -> None:
    script = "#!/bin/bash\n" + embed(document()) + "\ncloudpits-agent\n"
    assert extract(script) == document()


def test_user_data_without_a_document_is_refused() -> None:
    with pytest.raises(ValueError, match="no CloudPITS agent document"):
        extract("#!/bin/bash\necho hello\n")


def test_the_clock_is_the_systems_when_nothing_is_set() -> None:
    assert read_environment(ClockEnvironment, {}) == ClockEnvironment()


def test_a_missing_variable_is_named() -> None:
    with pytest.raises(InvalidInputError, match=r"^environment: CLOUDPITS_EXPERIMENT: is required"):
        read_environment(ControllerEnvironment, {"PATH": "/bin"})
