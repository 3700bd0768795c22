"""Worker reports read back from CloudWatch: namespace ``Performance``, dimensions ``Instance Id`` and ``Type``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cloudpits.adapters.aws.errors import cloud_errors
from cloudpits.domain.model import WorkerReport
from cloudpits.domain.ports import Instance

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef, MetricDataResultTypeDef

NAMESPACE = "Performance"
RATE, SPREAD, TASKS = "perf_sec", "perf_sec_stdev", "tasks_completed"
_STATISTICS = {RATE: "Average", SPREAD: "Average", TASKS: "Maximum"}
PERIOD_S = 60
QUERIES_PER_CALL = 500
_INSTANCES_PER_CALL = QUERIES_PER_CALL // len(_STATISTICS)

_Series = dict[float, float]  # instant → value


class CloudWatchMetrics:
    """Reports of workers, one per minute at most."""

    def __init__(self, cloudwatch: CloudWatchClient) -> None:
        self._cloudwatch = cloudwatch

    def reports(
        self, instances: Sequence[Instance], since: float, until: float
    ) -> Mapping[str, Sequence[WorkerReport]]:
        starts = range(0, len(instances), _INSTANCES_PER_CALL)
        parts = (self._part(instances[start : start + _INSTANCES_PER_CALL], since, until) for start in starts)
        return {key: reports for part in parts for key, reports in part.items() if reports}

    def _part(self, instances: Sequence[Instance], since: float, until: float) -> Mapping[str, Sequence[WorkerReport]]:
        series: dict[str, _Series] = defaultdict(dict)
        for result in self._results(
            [query for i, one in enumerate(instances) for query in _queries(i, one)], since, until
        ):
            # A series may come in several pages, and CloudWatch promises no order within any.
            instants = (at.timestamp() for at in result["Timestamps"])
            series[result["Id"]].update(zip(instants, result["Values"], strict=True))
        return {one.instance_id: _join(i, series) for i, one in enumerate(instances)}

    def _results(
        self, queries: list[MetricDataQueryTypeDef], since: float, until: float
    ) -> list[MetricDataResultTypeDef]:
        with cloud_errors("reading the workers' metrics"):
            pages = self._cloudwatch.get_paginator("get_metric_data").paginate(
                MetricDataQueries=queries,
                # Data points carry the start of their minute, which may lie before ``since``.
                StartTime=datetime.fromtimestamp(since - since % PERIOD_S, UTC),
                EndTime=datetime.fromtimestamp(until + PERIOD_S, UTC),
            )
            return [result for page in pages for result in page["MetricDataResults"]]


def _id(number: int, metric: str) -> str:
    return f"{metric}_{number}"


def _queries(number: int, instance: Instance) -> list[MetricDataQueryTypeDef]:
    dimensions = {"Instance Id": instance.instance_id, "Type": instance.pool.instance_type}
    return [
        {
            "Id": _id(number, metric),
            "MetricStat": {
                "Metric": {
                    "Namespace": NAMESPACE,
                    "MetricName": metric,
                    "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
                },
                "Period": PERIOD_S,
                "Stat": statistic,
            },
        }
        for metric, statistic in _STATISTICS.items()
    ]


def _join(number: int, series: Mapping[str, _Series]) -> tuple[WorkerReport, ...]:
    rates, spreads, tasks = (series.get(_id(number, metric), {}) for metric in _STATISTICS)
    return tuple(
        WorkerReport(rates[at], spreads.get(at, 0.0), int(tasks.get(at, 0)), reported_at=at) for at in sorted(rates)
    )
