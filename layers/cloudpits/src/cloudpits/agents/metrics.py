"""What a worker says about its speed: three CloudWatch metrics per period."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from cloudpits.adapters.aws.errors import cloud_errors
from cloudpits.adapters.aws.metrics import NAMESPACE, RATE, SPREAD, TASKS
from cloudpits.agents.imds import Identity
from cloudpits.agents.rates import Rate

if TYPE_CHECKING:  # the stubs are a development dependency
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.literals import StandardUnitType

STANDARD_RESOLUTION_S = 60  # finer data points must be announced as high-resolution ones


class MetricsSink(Protocol):
    """Where rates are published to; may raise CloudError."""

    def publish(self, at: float, rate: Rate, tasks_completed: int) -> None: ...


class CloudWatchSink:
    """Namespace ``Performance``, dimensions exactly ``Instance Id`` and ``Type`` (the instance type)."""

    def __init__(self, cloudwatch: CloudWatchClient, identity: Identity, period_s: float) -> None:
        self._cloudwatch = cloudwatch
        self._identity = identity
        self._resolution_s = STANDARD_RESOLUTION_S if period_s >= STANDARD_RESOLUTION_S else 1

    def publish(self, at: float, rate: Rate, tasks_completed: int) -> None:
        figures: tuple[tuple[str, float, StandardUnitType], ...] = (
            (RATE, rate.mean, "Count/Second"),
            (SPREAD, rate.stdev, "Count/Second"),
            (TASKS, float(tasks_completed), "Count"),
        )
        with cloud_errors("publishing metrics"):
            self._cloudwatch.put_metric_data(
                Namespace=NAMESPACE,
                MetricData=[
                    {
                        "MetricName": name,
                        "Dimensions": [
                            {"Name": "Instance Id", "Value": self._identity.instance_id},
                            {"Name": "Type", "Value": self._identity.instance_type},
                        ],
                        "Timestamp": datetime.fromtimestamp(at, UTC),
                        "Value": value,
                        "Unit": unit,
                        "StorageResolution": self._resolution_s,
                    }
                    for name, value, unit in figures
                ],
            )
