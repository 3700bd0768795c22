"""Events and schedules of the emulated account arrive where rules send them, in market time."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

ROLE = "arn:aws:iam::123456789012:role/any"
RECORDER = """
import json, os, uuid, boto3
def handler(event, context):
    boto3.client("s3").put_object(Bucket=os.environ["BUCKET"], Key=str(uuid.uuid4()), Body=json.dumps(event))
"""


@dataclass
class Recorder:
    """A Lambda function that keeps every event it gets in a bucket."""

    client: Callable[[str], Any]
    name: str
    arn: str = ""

    def create(self) -> None:
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("index.py", RECORDER)
        self.client("s3").create_bucket(Bucket=self.name)
        self.arn = self.client("lambda").create_function(
            FunctionName=self.name,
            Runtime="python3.11",
            Handler="index.handler",
            Role=ROLE,
            Code={"ZipFile": code.getvalue()},
            Environment={"Variables": {"BUCKET": self.name}},
        )["FunctionArn"]

    def events(self, seconds: float = 20.0) -> list[dict[str, Any]]:
        """What arrived, as soon as something has."""
        s3, deadline = self.client("s3"), time.monotonic() + seconds
        while not (found := s3.list_objects_v2(Bucket=self.name).get("Contents", [])) and time.monotonic() < deadline:
            time.sleep(0.1)
        return [json.load(s3.get_object(Bucket=self.name, Key=item["Key"])["Body"]) for item in found]


@pytest.fixture
def recorder(client: Callable[[str], Any], pool: Any) -> Recorder:
    recorder = Recorder(client, f"recorder-{pool.run}")
    recorder.create()
    return recorder


def route(client: Callable[[str], Any], recorder: Recorder, pattern: dict[str, Any]) -> None:
    events = client("events")
    events.put_rule(Name=recorder.name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=recorder.name, Targets=[{"Id": "recorder", "Arn": recorder.arn}])


def test_an_interruption_warning_is_an_event(
    client: Callable[[str], Any], recorder: Recorder, pool: Any, aws: Any
) -> None:
    (instance,) = pool.spot()
    pattern = {"source": ["aws.ec2"], "detail-type": ["EC2 Spot Instance Interruption Warning"]}
    route(client, recorder, pattern)

    aws.interrupt(instance["InstanceId"])

    (event,) = recorder.events()
    assert event["detail"] == {"instance-id": instance["InstanceId"], "instance-action": "terminate"}
    assert event["time"].startswith("2021-03-03T")


def test_the_end_of_an_instance_is_an_event(
    client: Callable[[str], Any], recorder: Recorder, pool: Any, aws: Any
) -> None:
    (instance,) = pool.launch()
    pattern = {
        "source": ["aws.ec2"],
        "detail-type": ["EC2 Instance State-change Notification"],
        "detail": {"state": ["shutting-down"], "instance-id": [instance["InstanceId"]]},
    }
    route(client, recorder, pattern)

    aws.fail(instance["InstanceId"])

    (event,) = recorder.events()
    assert event["detail"]["state"] == "shutting-down"


def test_schedules_wait_for_the_market_and_then_follow_its_clock(
    client: Callable[[str], Any], recorder: Recorder, pool: Any, aws: Any
) -> None:
    client("scheduler").create_schedule(
        Name=f"every-{pool.run}",
        ScheduleExpression="rate(2 minutes)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": recorder.arn, "RoleArn": ROLE, "Input": '{"tick": true}'},
    )
    assert recorder.events(seconds=3) == []  # held back

    started = time.monotonic()
    aws.start_schedules()

    assert recorder.events()[0] == {"tick": True}
    assert time.monotonic() - started >= 1.9  # two market minutes at 60 times the pace
