"""Signals out of a run: mail through SNS, and the schedule that starts its cycles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from cloudpits.adapters.aws.errors import cloud_errors

if TYPE_CHECKING:
    from mypy_boto3_scheduler import EventBridgeSchedulerClient
    from mypy_boto3_sns import SNSClient

LONGEST_SUBJECT = 100  # SNS refuses longer ones


class SnsNotifier:
    """Publishes to a topic; without one, nobody wants to be told."""

    def __init__(self, sns: SNSClient, topic: str | None) -> None:
        self._sns = sns
        self._topic = topic

    def notify(self, subject: str, message: str) -> None:
        if self._topic is None:
            return
        with cloud_errors(f"notifying {self._topic}"):
            self._sns.publish(TopicArn=self._topic, Subject=subject[:LONGEST_SUBJECT], Message=message)


class EventBridgeSchedule:
    """A schedule of EventBridge Scheduler in the default group; without a name there is nothing to switch off."""

    def __init__(self, scheduler: EventBridgeSchedulerClient, name: str | None) -> None:
        self._scheduler = scheduler
        self._name = name

    def disable(self) -> None:
        if self._name is None:
            return
        with cloud_errors(f"switching off the schedule {self._name}"):
            try:
                self._disable(self._name)
            except ClientError as error:
                if error.response["Error"]["Code"] != "ResourceNotFoundException":
                    raise

    def _disable(self, name: str) -> None:
        found = self._scheduler.get_schedule(Name=name)
        if found["State"] == "DISABLED":
            return
        # UpdateSchedule replaces the whole schedule: what it must keep is given again.
        self._scheduler.update_schedule(
            Name=name,
            State="DISABLED",
            ScheduleExpression=found["ScheduleExpression"],
            FlexibleTimeWindow=found["FlexibleTimeWindow"],
            Target=found["Target"],
        )
