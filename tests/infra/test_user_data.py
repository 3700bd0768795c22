"""An instance's start script, run by a real shell with stand-ins for the system's commands."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from cloudpits.config.agent import AgentDocument, extract
from cloudpits.config.experiment import Program
from infra.constructs.user_data import user_data
from tests.waiting import PATIENCE_S

DOCUMENT = AgentDocument(
    role="worker",
    experiment="demo",
    run="demo-run",
    region="eu-west-1",
    bucket="artefacts",
    program=Program(module="module.so", arguments=("it's", '"quoted"', "$HOME `date`")),
    modules={"x86_64": "s3://assets/module.so"},
)
# Every stand-in notes its name and arguments; the one named by $FAIL fails.
STAND_IN = """#!/bin/bash
echo "$(basename "$0") $*" >> "$CALLS"
[ "$(basename "$0")" != "$FAIL" ]
"""
COMMANDS = ("dnf", "aws", "python3.11", "shutdown", "logger", "chmod")
AGENT = "cloudpits-agent"


@pytest.fixture
def script() -> str:
    return user_data(DOCUMENT, "s3://assets/agent.zip", {"AWS_USE_DUALSTACK_ENDPOINT": "true"})


@pytest.fixture
def boot(tmp_path: Path, script: str) -> Callable[..., Sequence[str]]:
    """Run the script with its system folders moved below ``tmp_path``; returns the commands it called, in order."""

    def run(fail: str = "") -> Sequence[str]:
        commands, agent, calls = tmp_path / "bin", tmp_path / "opt/cloudpits/bin", tmp_path / "calls"
        for folder, names in ((commands, COMMANDS), (agent, (AGENT,))):
            folder.mkdir(parents=True)
            for name in names:
                (folder / name).write_text(STAND_IN, encoding="utf-8")
                (folder / name).chmod(0o755)
        moved = script.replace(
            "> >(tee -a /var/log/cloudpits.log | logger -t cloudpits -s 2>/dev/console)", "> /dev/null"
        )
        for folder in ("/opt/cloudpits", "/etc/cloudpits"):
            moved = moved.replace(folder, f"{tmp_path}{folder}")
        environment = {"PATH": f"{commands}:/usr/bin:/bin", "CALLS": str(calls), "FAIL": fail}
        subprocess.run(["/bin/bash", "-c", moved], env=environment, check=False, timeout=PATIENCE_S)
        return calls.read_text(encoding="utf-8").splitlines()

    return run


def test_agent_is_fetched_and_run_and_the_instance_ends_with_it(boot: Callable[..., Sequence[str]]) -> None:
    calls = boot()
    assert [call.split()[0] for call in calls] == ["dnf", "python3.11", "aws", "python3.11", "chmod", AGENT, "shutdown"]
    assert calls[2] == "aws s3 cp --quiet s3://assets/agent.zip /tmp/agent.zip"
    assert calls[-1] == "shutdown -h now"


@pytest.mark.parametrize("broken", ["dnf", "aws", "python3.11", AGENT])
def test_instance_ends_whatever_fails(boot: Callable[..., Sequence[str]], broken: str) -> None:
    calls = boot(fail=broken)
    assert calls[-1] == "shutdown -h now"
    assert calls[-2].startswith(broken)  # and nothing was tried after it


def test_document_arrives_unharmed_by_the_shell(boot: Callable[..., Sequence[str]], tmp_path: Path) -> None:
    boot()
    written = (tmp_path / "etc/cloudpits/agent.json").read_text(encoding="utf-8")
    assert AgentDocument.model_validate_json(written) == DOCUMENT


def test_document_can_be_read_back_from_user_data(script: str) -> None:
    assert extract(script) == DOCUMENT


def test_sdks_are_told_the_region_and_to_use_ipv6(script: str) -> None:
    assert "export AWS_DEFAULT_REGION=eu-west-1\nexport AWS_USE_DUALSTACK_ENDPOINT=true\n" in script
