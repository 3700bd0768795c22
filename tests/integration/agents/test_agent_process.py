"""``cloudpits-agent`` as an instance runs it, when the instance is not as it should be."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cloudpits.agents.processes import find_program
from cloudpits.config.agent import AgentDocument
from cloudpits.domain.errors import CloudError, InvalidInputError
from cloudpits.domain.ports import Progress
from cloudpits.local.metadata import InstanceFacts, MetadataService

Run = Callable[[str], subprocess.CompletedProcess[str]]


@pytest.fixture
def metadata(addresses: Iterator[str]) -> Iterator[MetadataService]:
    facts = InstanceFacts("i-0a", "c5.large", "us-east-1a", next(addresses), spot=True, user_data="")
    service = MetadataService(facts)
    yield service
    service.close()


@pytest.fixture
def run_agent(tmp_path: Path, nowhere: str) -> Run:
    """Runs the agent against an AWS that is not there, 1000 times as fast as on an instance."""
    document = AgentDocument.model_validate(
        {
            "role": "worker",
            "experiment": "pi",
            "run": "pi-1",
            "region": "us-east-1",
            "bucket": "artefacts",
            "program": {"module": "libpi.so"},
            "modules": dict.fromkeys(("x86_64", "arm64"), "s3://artefacts/libpi.so"),
        }
    )
    (tmp_path / "agent.json").write_text(document.model_dump_json())

    def run(endpoint: str) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "AWS_ENDPOINT_URL": nowhere,
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": endpoint,
            "CLOUDPITS_WORK_DIR": str(tmp_path / "work"),
            "CLOUDPITS_AGENT_CONFIG": str(tmp_path / "agent.json"),
            "CLOUDPITS_CLOCK_SCALE": "1000",
        }
        command = [find_program("cloudpits-agent")]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)

    return run


def test_without_a_metadata_service_it_ends_and_says_so(run_agent: Run, nowhere: str) -> None:
    done = run_agent(nowhere)
    assert done.returncode == 4
    assert done.stderr.splitlines()[-1].startswith("cloudpits-agent: instance metadata service: PUT /latest/api/token:")


def test_without_s3_it_ends_and_says_what_it_wanted(run_agent: Run, metadata: MetadataService) -> None:
    done = run_agent(metadata.endpoint)
    assert done.returncode == 4
    assert done.stderr.splitlines()[-1].startswith("cloudpits-agent: reading s3://artefacts/libpi.so:")


def test_a_run_that_is_completed_is_not_run_again(region: Any) -> None:
    before = Progress(40, 40, "completed", 0.0, "", {"i-a": 40})
    region.channel.publish_progress(before)
    assert region.instance("job-manager").play() == 0
    assert region.channel.progress() == before


@pytest.mark.parametrize(
    ("modules", "error", "said"),
    [
        ({}, InvalidInputError, "no module for"),
        (
            dict.fromkeys(("x86_64", "arm64"), "s3://artefacts/no/module"),
            CloudError,
            "reading s3://artefacts/no/module",
        ),
    ],
)
def test_a_program_that_cannot_be_had_ends_the_run(
    region: Any, modules: dict[str, str], error: type[Exception], said: str
) -> None:
    agent = region.instance("job-manager", modules=modules)
    with pytest.raises(error, match=said):
        agent.play()
    assert region.channel.progress().state == "failed"
    assert said in region.channel.progress().message
