"""What deploy and destroy do about a run that is, or may be, under way. AWS and CDK are stand-ins that remember."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cloudpits.cli import controller, deployment
from cloudpits.cli.main import main
from cloudpits.domain.errors import CloudError

EXPERIMENT = """
name = "bag"
region = "us-east-1"
[program]
module = "{module}"
tasks_total = 10
[limits]
budget_usd = 2.0
[workers]
instance_types = ["c5.*"]
"""
RATES = "instance_type,rate_mean,rate_stdev,samples\nc5.large,0.10,0.004,5\n"


@dataclass
class Cloud:
    """Answers what the test wants; ``done`` is what was asked of it, in order."""

    answer: Mapping[str, Any] | Exception
    done: list[str] = field(default_factory=list)

    def ask(self, _experiment: object, event: Mapping[str, Any]) -> Mapping[str, Any]:
        self.done.append(event["action"])
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def cdk(self, arguments: list[str]) -> None:
        self.done.append(f"cdk {arguments[0]}")

    def delete(self, _experiment: object) -> None:
        self.done.append("delete stack")


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    made = Cloud({"status": "running", "run": "bag-1", "spent_usd": 0.5})
    monkeypatch.delenv("CLOUDPITS_DATABASE_URL", raising=False)
    monkeypatch.setattr(controller, "ask", made.ask)
    monkeypatch.setattr(controller, "delete_stack", made.delete)
    monkeypatch.setattr(deployment, "run_cdk", made.cdk)
    return made


@pytest.fixture
def files(tmp_path: Path) -> Path:
    module = tmp_path / "program.py"
    module.write_text("", encoding="utf-8")
    (tmp_path / "bag.toml").write_text(EXPERIMENT.format(module=module), encoding="utf-8")
    (tmp_path / "rates.csv").write_text(RATES, encoding="utf-8")
    return tmp_path


def run(command: str, files: Path, *options: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main([command, str(files / "bag.toml"), "--yes", *options])
    return int(caught.value.code or 0)


def deploy(files: Path, *options: str) -> int:
    return run("deploy", files, "--performance", str(files / "rates.csv"), *options)


def test_a_run_under_way_is_not_abandoned_for_another(
    cloud: Cloud, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deploy(files) == 2
    assert cloud.done == ["status"]
    assert "bag-1 is under way" in capsys.readouterr().err


@pytest.mark.parametrize(
    "answer",
    [
        {"status": "completed", "run": "bag-1"},
        CloudError("no such stack", controller.NO_SUCH_STACK),
        controller.RebalancerError("the database does not answer", "Unhandled"),
    ],
    ids=["the last run is over", "nothing is deployed", "what is deployed is broken"],
)
def test_it_deploys_where(cloud: Cloud, files: Path, answer: Any) -> None:
    cloud.answer = answer
    assert deploy(files) == 0
    assert cloud.done == ["status", "cdk deploy"]


def test_the_run_under_way_may_be_deployed_again(cloud: Cloud, files: Path) -> None:
    assert deploy(files, "--run", "bag-1") == 0
    assert cloud.done == ["status", "cdk deploy"]


def test_where_aws_cannot_be_asked_nothing_is_deployed(cloud: Cloud, files: Path) -> None:
    cloud.answer = CloudError("no credentials", "NoCredentialsError")
    assert deploy(files) == 4
    assert cloud.done == ["status"]


def test_a_field_that_cannot_be_planned_is_named_with_its_file(
    cloud: Cloud, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = files / "bag.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("us-east-1", "us-east-9"), encoding="utf-8")
    assert deploy(files) == 2
    assert capsys.readouterr().err.startswith(f"cloudpits: {path}: workers.instance_types: no instance type in us-east")
    assert cloud.done == []


def test_limits_that_cannot_be_kept_deploy_nothing(
    cloud: Cloud, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = files / "bag.toml"
    path.write_text(
        path.read_text(encoding="utf-8").replace("budget_usd = 2.0", "budget_usd = 0.0001"), encoding="utf-8"
    )
    assert deploy(files) == 3
    assert "the cheapest feasible budget_usd is" in capsys.readouterr().err
    assert cloud.done == []


def test_destroying_ends_the_run_first(cloud: Cloud, files: Path) -> None:
    assert run("destroy", files) == 0
    assert cloud.done == ["stop", "cdk destroy"]


def test_a_stack_whose_controller_fails_can_be_destroyed(
    cloud: Cloud, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.answer = controller.RebalancerError("the database does not answer", "Unhandled")
    assert run("destroy", files) == 0
    assert cloud.done == ["stop", "cdk destroy"]
    assert "could not be ended" in capsys.readouterr().err


def test_a_stack_whose_module_is_gone_can_be_destroyed(cloud: Cloud, files: Path) -> None:
    (files / "program.py").unlink()
    assert run("destroy", files) == 0
    assert cloud.done == ["stop", "delete stack"]
