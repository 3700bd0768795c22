"""What the use cases rely on from the mailbox, the clock and the signals: the same for AWS and in memory."""

from __future__ import annotations

import time
from typing import Any

import boto3
import pytest
from botocore.config import Config
from moto.core import DEFAULT_ACCOUNT_ID
from moto.sns.models import sns_backends

from cloudpits.adapters.aws.channel import S3Channel
from cloudpits.adapters.aws.clock import ScaledClock, SystemClock, clock_from
from cloudpits.adapters.aws.signals import EventBridgeSchedule, SnsNotifier
from cloudpits.adapters.memory.channel import MemoryChannel
from cloudpits.adapters.memory.clock import MemoryClock
from cloudpits.config.environment import ClockEnvironment
from cloudpits.domain.errors import AccessError, CloudError, ThrottledError
from cloudpits.domain.ports import Channel, Clock, Control, Notice, Progress


@pytest.fixture(params=["memory", "aws"])
def channel(request: pytest.FixtureRequest) -> Channel:
    if request.param == "memory":
        return MemoryChannel()
    s3 = request.getfixturevalue("aws")("s3")
    s3.create_bucket(Bucket="mail")
    return S3Channel(s3, "mail", "pi-1")


class TestEveryChannel:
    def test_an_empty_mailbox_holds_nothing(self, channel: Channel) -> None:
        assert (channel.progress(), channel.control(), tuple(channel.notices())) == (None, None, ())

    def test_progress_arrives_as_it_was_sent(self, channel: Channel) -> None:
        sent = Progress(400, 17, "running", 1615370700.5, "all is well", {"i-1": 10, "i-2": 7})
        channel.publish_progress(sent)
        assert channel.progress() == sent

    def test_control_arrives_as_it_was_sent(self, channel: Channel) -> None:
        sent = Control(1615370700.5, 1800.0, drain=("i-1", "i-2"), stop=True, reason="done", funded_until=1.6e9)
        channel.publish_control(sent)
        assert channel.control() == sent

    def test_the_newest_message_counts(self, channel: Channel) -> None:
        channel.publish_control(Control(1.0, 1800.0))
        channel.publish_control(Control(2.0, 1800.0))
        assert channel.control() == Control(2.0, 1800.0)

    def test_each_instance_has_its_own_notice(self, channel: Channel) -> None:
        notices = [Notice("i-1", "interruption", 5.0, 125.0), Notice("i-2", "rebalance", 6.0)]
        for notice in notices:
            channel.publish_notice(notice)
        assert sorted(channel.notices(), key=lambda notice: notice.instance_id) == notices


def test_runs_do_not_read_each_others_mail(aws: Any) -> None:
    s3 = aws("s3")
    s3.create_bucket(Bucket="mail")
    S3Channel(s3, "mail", "pi-1").publish_notice(Notice("i-1", "interruption", 5.0, 125.0))
    assert S3Channel(s3, "mail", "pi-2").notices() == ()


def test_a_message_that_is_none_of_ours_is_refused_by_name(aws: Any) -> None:
    s3 = aws("s3")
    s3.create_bucket(Bucket="mail")
    s3.put_object(Bucket="mail", Key="runs/pi-1/control.json", Body=b'{"heartbeat_at": "yes"}')
    with pytest.raises(CloudError, match=r"s3://mail/runs/pi-1/control\.json is not a message"):
        S3Channel(s3, "mail", "pi-1").control()


def test_a_missing_bucket_is_an_error_and_not_an_empty_mailbox(aws: Any) -> None:
    with pytest.raises(CloudError, match="NoSuchBucket"):
        S3Channel(aws("s3"), "nowhere", "pi-1").progress()


@pytest.mark.parametrize(
    "clock", [MemoryClock(1e9), SystemClock(), ScaledClock(0.0, 0.0, 60.0)], ids=["memory", "system", "scaled"]
)
def test_sleeping_moves_every_clock_by_the_time_slept(clock: Clock) -> None:
    before = clock.now()
    clock.sleep(0.05)
    assert clock.now() - before >= 0.0499
    clock.sleep(-1.0)


@pytest.mark.parametrize("ago_s", [0.0, 50.0])
def test_a_scaled_clock_starts_at_its_origin_and_runs_faster(ago_s: float) -> None:
    origin = time.time() - ago_s
    clock = clock_from(ClockEnvironment(clock_real_origin=origin, clock_market_origin=1.6e9, clock_scale=1000.0))
    before, shown, after = time.time(), clock.now(), time.time()
    assert (before - origin) * 1000.0 <= shown - 1.6e9 <= (after - origin) * 1000.0


def test_without_settings_the_clock_is_the_systems() -> None:
    assert isinstance(clock_from(ClockEnvironment()), SystemClock)


def test_notifications_reach_the_topic_with_a_subject_that_sns_accepts(aws: Any) -> None:
    sns = aws("sns")
    topic = sns.create_topic(Name="told")["TopicArn"]
    SnsNotifier(sns, topic).notify("CloudPITS " + "x" * 200, "the run has ended")
    ((_, message, subject, *_),) = sns_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].topics[topic].sent_notifications
    assert message == "the run has ended"
    assert len(subject) == 100


def test_a_topic_that_is_gone_is_an_error_and_none_at_all_is_silence(aws: Any) -> None:
    SnsNotifier(aws("sns"), None).notify("subject", "message")
    with pytest.raises(CloudError, match="NotFound"):
        SnsNotifier(aws("sns"), "arn:aws:sns:us-east-1:123456789012:gone").notify("subject", "message")


def test_a_schedule_is_switched_off_and_otherwise_kept_as_it_is(aws: Any) -> None:
    scheduler = aws("scheduler")
    target = {"Arn": "arn:aws:lambda:us-east-1:1:function:f", "RoleArn": "arn:aws:iam::1:role/r"}
    scheduler.create_schedule(
        Name="tick", ScheduleExpression="rate(5 minutes)", FlexibleTimeWindow={"Mode": "OFF"}, Target=target
    )
    schedule = EventBridgeSchedule(scheduler, "tick")
    schedule.disable()
    schedule.disable()
    found = scheduler.get_schedule(Name="tick")
    assert (found["State"], found["ScheduleExpression"]) == ("DISABLED", "rate(5 minutes)")
    assert found["Target"]["Arn"] == target["Arn"]


def test_a_schedule_that_is_gone_or_was_never_named_is_off(aws: Any) -> None:
    EventBridgeSchedule(aws("scheduler"), "gone").disable()
    EventBridgeSchedule(aws("scheduler"), None).disable()


def test_missing_credentials_say_what_to_check(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    s3 = boto3.session.Session().client("s3", region_name="us-east-1")
    with pytest.raises(AccessError, match="aws sts get-caller-identity"):
        S3Channel(s3, "mail", "pi-1").progress()


def test_an_endpoint_that_does_not_answer_is_worth_trying_again(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    calm = Config(retries={"total_max_attempts": 1}, connect_timeout=1)
    s3 = boto3.session.Session().client("s3", "us-east-1", endpoint_url="http://127.0.0.1:9", config=calm)
    with pytest.raises(ThrottledError, match="EndpointConnectionError"):
        S3Channel(s3, "mail", "pi-1").progress()
