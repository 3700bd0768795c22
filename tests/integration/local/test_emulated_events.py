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

from tests.waiting import until

MINUTE = 60.0
ROLE = "arn:aws:iam::123456789012:role/any"
RECORDER = """
import json, os, time, uuid, boto3
def handler(event, context):
    arrival = json.dumps({"event": event, "at": time.time()})
    boto3.client("s3").put_object(Bucket=os.environ["BUCKET"], Key=str(uuid.uuid4()), Body=arrival)
"""


@dataclass
class Recorder:
    """A Lambda function that keeps every event it gets in a bucket, with the real instant at which it came."""

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

    def arrivals(self) -> list[dict[str, Any]]:
        """What has arrived: ``event`` and ``at`` (s since the epoch), oldest first."""
        s3 = self.client("s3")
        found = s3.list_objects_v2(Bucket=self.name).get("Contents", [])
        read = [json.load(s3.get_object(Bucket=self.name, Key=item["Key"])["Body"]) for item in found]
        return sorted(read, key=lambda arrival: arrival["at"])

    def event(self) -> dict[str, Any]:
        """The only event, once there is one."""
        (arrival,) = until(self.arrivals)
        event: dict[str, Any] = arrival["event"]
        return event


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

    event = recorder.event()
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

    event = recorder.event()
    assert event["detail"]["state"] == "shutting-down"


def test_schedules_wait_for_the_market_and_then_follow_its_clock(
    client: Callable[[str], Any], recorder: Recorder, pool: Any, aws: Any, clock: Any, market: Any
) -> None:
    created_at = clock.now()
    client("scheduler").create_schedule(
        Name=f"every-{pool.run}",
        ScheduleExpression="rate(1 minute)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": recorder.arn, "RoleArn": ROLE, "Input": '{"tick": true}'},
    )
    until(lambda: clock.now() > created_at + 2 * MINUTE)
    started = time.time()
    aws.start_schedules()

    first = until(recorder.arrivals)[0]
    assert first["event"] == {"tick": True}
    assert first["at"] - started >= MINUTE / market.scale  # what was due before was held back
