"""The functions as they are deployed, on a simulated account: with books in memory, and with a real database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from cloudpits import bootstrap
from cloudpits.adapters.memory.books import MemoryBooks
from cloudpits.adapters.mysql.books import MySqlBooks
from cloudpits.application.run_report import run_report
from cloudpits.domain.errors import InvalidInputError, StorageError
from cloudpits.domain.ports import Books

EXPERIMENT = {
    "name": "pi",
    "region": "us-east-1",
    "program": {"module": "libpi.so", "tasks_total": 4000},
    "limits": {"budget_usd": 2.0, "max_workers": 3},
    "workers": {"instance_types": ["c5.large", "c5.xlarge"], "availability_zones": ["us-east-1a"]},
    "rebalance": {"policy": "lowest-price"},
}


@pytest.fixture
def books(request: pytest.FixtureRequest) -> Books:
    if getattr(request, "param", "memory") == "memory":
        return MemoryBooks()
    return MySqlBooks(request.getfixturevalue("database"))


@pytest.fixture
def account(aws: Any, books: Books, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An account with a deployed experiment, and the environment that its functions get."""
    ec2, s3 = aws("ec2"), aws("s3")
    s3.create_bucket(Bucket="artefacts")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24", AvailabilityZone="us-east-1a")["Subnet"]["SubnetId"]
    template = ec2.create_launch_template(LaunchTemplateName="t", LaunchTemplateData={"ImageId": "ami-12c6146b"})
    template_id = template["LaunchTemplate"]["LaunchTemplateId"]
    secret = {"host": "db", "port": 3306, "username": "u", "password": "p", "dbname": "experimentos"}
    aws("secretsmanager").create_secret(Name="database", SecretString=json.dumps(secret))
    environment = {
        "EXPERIMENT": json.dumps(EXPERIMENT),
        "RUN": "pi-1",
        "PROGRAM": "digest",
        "BUCKET": "artefacts",
        "ARCHITECTURES": "x86_64",
        "DATABASE_SECRET": "database",
        "WORKER_TEMPLATE": f"x86_64={template_id}",
        "JOB_MANAGER_TEMPLATE": template_id,
        "SUBNETS": f"us-east-1a={subnet}",
    }
    for name, value in environment.items():
        monkeypatch.setenv(f"CLOUDPITS_{name}", value)
    monkeypatch.setattr(bootstrap, "MySqlBooks", lambda _database: books)
    bootstrap._controller.cache_clear()
    yield aws
    bootstrap._controller.cache_clear()


def running(aws: Any) -> list[str]:
    pages = aws("ec2").describe_instances(Filters=[{"Name": "instance-state-name", "Values": ["pending", "running"]}])
    found = [i for reservation in pages["Reservations"] for i in reservation["Instances"]]
    return sorted(next(tag["Value"] for tag in i["Tags"] if tag["Key"] == "Type") for i in found)


@pytest.mark.parametrize("books", ["memory", "mysql"], indirect=True)
def test_a_whole_run_through_the_functions(account: Any, books: Books) -> None:
    handle, warn = bootstrap.controller(), bootstrap.spot_events()
    assert "skipped" in warn({}, "r00")
    assert handle({"action": "plan"}, "r0")["would"][0]["command"] == "launch"
    assert running(account) == []

    started = handle({}, "r1")
    assert started["cycle"] == "r1"
    assert {d["command"] for d in started["decisions"]} == {"launch"}
    assert running(account)[0] == "jobmanager-ondemand"
    assert "worker-spot" in running(account)

    fleet = handle({"action": "status"}, "r2")["fleet"]
    worker = next(i["instance_id"] for i in fleet if i["role"] == "worker-spot")
    warning = {"detail-type": "EC2 Spot Instance Interruption Warning", "id": "e1", "detail": {"instance-id": worker}}
    assert warn(warning, "r3")["cycle"] == "e1"
    notice = account("s3").get_object(Bucket="artefacts", Key=f"runs/pi-1/notices/{worker}.json")
    assert json.load(notice["Body"])["kind"] == "interruption"

    assert handle({"action": "stop"}, "r4")["status"] == "stopped"
    assert running(account) == []
    control = json.load(account("s3").get_object(Bucket="artefacts", Key="runs/pi-1/control.json")["Body"])
    assert control["stop"]

    report = run_report(books, "pi-1")
    assert report["status"] == "stopped"
    assert all(worker["ended_at"] for worker in report["workers"])
    parts = [*report["workers"], *report["job_managers"]]
    assert sum(part["cost_usd"] for part in parts) == pytest.approx(report["spent_usd"])
    assert [d["command"] for d in report["decisions"]][-1] == "stop"


def test_unknown_actions_are_refused_before_anything_is_asked(account: Any) -> None:
    with pytest.raises(InvalidInputError, match="accepted"):
        bootstrap.controller()({"action": "dance"}, "r1")


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("SUBNETS", "us-east-1a", "CLOUDPITS_SUBNETS: must look like name=id"),
        ("EXPERIMENT", "{", "CLOUDPITS_EXPERIMENT: not valid JSON"),
        ("EXPERIMENT", "{}", "CLOUDPITS_EXPERIMENT: name: is required"),
    ],
)
def test_a_wrong_environment_is_named(
    account: Any, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(f"CLOUDPITS_{variable}", value)
    with pytest.raises(InvalidInputError, match=said):
        bootstrap.controller()({}, "r1")


def test_the_database_password_is_read_again_after_the_database_refused(
    account: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []

    class Refusing:
        def __init__(self, database: Any) -> None:
            made.append(database)

        def __getattr__(self, name: str) -> Any:
            def refuse(*_: Any) -> Any:
                raise StorageError("access denied")

            return refuse

    monkeypatch.setattr(bootstrap, "MySqlBooks", Refusing)
    for _ in range(2):
        with pytest.raises(StorageError):
            bootstrap.controller()({}, "r1")
    assert len(made) == 2
