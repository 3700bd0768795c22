"""The command lines that the SPITS programs are started with."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudpits.agents.artefacts import Artefacts, Workspace
from cloudpits.agents.commands import job_manager_command, task_manager_command
from cloudpits.agents.processes import find_program
from cloudpits.config.agent import AgentDocument
from cloudpits.domain.errors import InvalidInputError

SPACE = Workspace(Path("/work/pi-1-x"))
ARTEFACTS = Artefacts(SPACE.program / "libpi.so", None)
IP = "10.0.0.9"


def value(command: list[str], option: str) -> str:
    return command[command.index(option) + 1]


@pytest.fixture
def full(document: AgentDocument) -> AgentDocument:
    program = document.program.model_copy(update={"tasks_total": 4, "workers_per_instance": 2, "overfill": 3})
    return document.model_copy(
        update={"program": program, "secret_arn": "arn:aws:secretsmanager:us-east-1:1:secret:pi"}
    )


def test_the_program_comes_last_and_is_the_same_wherever_it_runs(document: AgentDocument) -> None:
    elsewhere = Workspace(Path("/other/place"))
    there = Artefacts(elsewhere.program / "libpi.so", None)
    for command in (
        job_manager_command(document, ARTEFACTS, SPACE, IP),
        job_manager_command(document, there, elsewhere, IP),
        task_manager_command(document, ARTEFACTS, SPACE, IP, 120.0),
    ):
        assert command[-3:] == ["../program/libpi.so", "1000", "4"]


def test_both_ends_use_the_run_as_job_id_and_listen_on_the_private_address_only(document: AgentDocument) -> None:
    job_manager = job_manager_command(document, ARTEFACTS, SPACE, IP)
    task_manager = task_manager_command(document, ARTEFACTS, SPACE, IP, 120.0)
    assert [value(each, "--job") for each in (job_manager, task_manager)] == ["pi-1", "pi-1"]
    assert [value(each, "--bind") for each in (job_manager, task_manager)] == [IP, IP]
    assert [value(each, "--port") for each in (job_manager, task_manager)] == ["7726", "7727"]


def test_what_the_experiment_leaves_open_is_left_to_the_runtime(document: AgentDocument) -> None:
    assert "--tasks-total" not in job_manager_command(document, ARTEFACTS, SPACE, IP)
    task_manager = task_manager_command(document, ARTEFACTS, SPACE, IP, 120.0)
    assert "--workers" not in task_manager
    assert "--secret-file" not in task_manager


def test_what_the_experiment_says_is_passed_on(full: AgentDocument) -> None:
    job_manager = job_manager_command(full, ARTEFACTS, SPACE, IP)
    task_manager = task_manager_command(full, ARTEFACTS, SPACE, IP, 2.5)
    assert value(job_manager, "--tasks-total") == "4"
    assert value(job_manager, "--secret-file") == value(task_manager, "--secret-file") == str(SPACE.secret)
    assert (value(task_manager, "--workers"), value(task_manager, "--overfill")) == ("2", "3")
    assert value(task_manager, "--grace") == "2.5"


def test_a_missing_program_is_named() -> None:
    with pytest.raises(InvalidInputError, match=r"spits-nothing: no such command .*install"):
        find_program("spits-nothing")
