"""What the use cases rely on from prices and metrics: the same for AWS and for their stand-ins in memory."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.stub import ANY, Stubber

from cloudpits.adapters.aws.metrics import CloudWatchMetrics
from cloudpits.adapters.aws.prices import AwsPrices
from cloudpits.adapters.memory.catalogue import MemoryCatalogue
from cloudpits.adapters.memory.metrics import MemoryMetrics
from cloudpits.adapters.memory.prices import MemoryPrices
from cloudpits.domain.model import InstanceType, Market, Pool, WorkerReport
from cloudpits.domain.ports import Instance, Metrics, PricePoint, Prices, Role

ZONE = "us-east-1a"
SPOT = Pool("c5.large", ZONE, Market.SPOT)
ON_DEMAND = Pool("c5.large", ZONE, Market.ON_DEMAND)
UNPRICED = Pool("x9.huge", ZONE, Market.ON_DEMAND)
CATALOGUE = MemoryCatalogue([InstanceType("c5.large", 2, "x86_64", on_demand_usd_per_hour=0.085)], [ZONE])
NOW = time.time() // 60 * 60


@pytest.fixture(params=["memory", "aws"])
def prices(request: pytest.FixtureRequest) -> Prices:
    if request.param == "memory":
        return MemoryPrices([PricePoint(NOW - 9e8, SPOT, 0.00001), PricePoint(NOW - 9e8, ON_DEMAND, 0.085)])
    request.getfixturevalue("aws")  # its spot prices are one constant, dated 2006
    return AwsPrices("us-east-1", CATALOGUE)


class TestEveryPriceSource:
    def test_the_price_in_force_at_the_start_is_told_even_if_it_is_old(self, prices: Prices) -> None:
        (point,) = prices.history([SPOT], NOW - 3600, NOW)
        assert point.pool == SPOT
        assert point.at <= NOW - 3600
        assert point.usd_per_hour == 0.00001

    def test_on_demand_prices_are_the_catalogues(self, prices: Prices) -> None:
        (point,) = prices.history([ON_DEMAND], NOW - 3600, NOW)
        assert (point.pool, point.usd_per_hour) == (ON_DEMAND, 0.085)

    def test_pools_without_a_price_are_absent(self, prices: Prices) -> None:
        assert tuple(prices.history([UNPRICED], NOW - 3600, NOW)) == ()

    def test_only_asked_pools_are_told_in_time_order(self, prices: Prices) -> None:
        points = prices.history([SPOT, ON_DEMAND], NOW - 3600, NOW)
        assert {point.pool for point in points} == {SPOT, ON_DEMAND}
        assert [point.at for point in points] == sorted(point.at for point in points)


def test_spot_history_is_read_to_its_last_page_and_sorted(aws: Any) -> None:
    source = AwsPrices("us-east-1", CATALOGUE)

    def entry(minute: int, price: str) -> dict[str, Any]:
        at = datetime.fromtimestamp(NOW - 3600 + 60 * minute, UTC)
        return {"InstanceType": "c5.large", "AvailabilityZone": ZONE, "SpotPrice": price, "Timestamp": at}

    with Stubber(source._ec2) as stub:
        asked = dict.fromkeys(("InstanceTypes", "ProductDescriptions", "Filters", "StartTime", "EndTime"), ANY)
        first = {"SpotPriceHistory": [entry(30, "0.04"), entry(10, "0.03")], "NextToken": "more"}
        stub.add_response("describe_spot_price_history", first, asked)
        stub.add_response(
            "describe_spot_price_history", {"SpotPriceHistory": [entry(0, "0.02")]}, asked | {"NextToken": ANY}
        )
        points = source.history([SPOT], NOW - 3600, NOW)
    assert [point.usd_per_hour for point in points] == [0.02, 0.03, 0.04]


class MemoryWorkers:
    """Workers that publish into memory."""

    def __init__(self) -> None:
        self.metrics = MemoryMetrics()

    def publish(self, worker: Instance, report: WorkerReport) -> None:
        self.metrics.put(worker.instance_id, report)


class CloudWatchWorkers:
    """Workers that publish as agents do."""

    def __init__(self, cloudwatch: Any) -> None:
        self._cloudwatch = cloudwatch
        self.metrics = CloudWatchMetrics(cloudwatch)

    def publish(self, worker: Instance, report: WorkerReport) -> None:
        dimensions = [
            {"Name": "Instance Id", "Value": worker.instance_id},
            {"Name": "Type", "Value": worker.pool.instance_type},
        ]
        at = datetime.fromtimestamp(report.reported_at, UTC)
        values = {name: getattr(report, name) for name in ("perf_sec", "perf_sec_stdev", "tasks_completed")}
        self._cloudwatch.put_metric_data(
            Namespace="Performance",
            MetricData=[
                {"MetricName": name, "Dimensions": dimensions, "Timestamp": at, "Value": value}
                for name, value in values.items()
            ],
        )


@pytest.fixture(params=["memory", "aws"])
def workers(request: pytest.FixtureRequest) -> Any:
    if request.param == "memory":
        return MemoryWorkers()
    return CloudWatchWorkers(request.getfixturevalue("aws")("cloudwatch"))


def a_worker(number: int) -> Instance:
    return Instance(f"i-{number}", Role.WORKER_SPOT, SPOT, "running", NOW - 3600)


class TestEveryMetricsSource:
    def test_reports_come_whole_and_in_order_whatever_order_they_were_sent_in(self, workers: Any) -> None:
        worker = a_worker(1)
        later = WorkerReport(3.0, 0.25, 30, NOW - 300)
        earlier = WorkerReport(2.0, 0.5, 20, NOW - 600)
        workers.publish(worker, later)
        workers.publish(worker, earlier)
        found = _read(workers.metrics, [worker])
        assert tuple(found["i-1"]) == (earlier, later)

    def test_workers_that_said_nothing_are_absent(self, workers: Any) -> None:
        workers.publish(a_worker(1), WorkerReport(2.0, 0.5, 20, NOW - 600))
        assert set(_read(workers.metrics, [a_worker(1), a_worker(2)])) == {"i-1"}

    def test_what_lies_outside_the_window_is_left_out(self, workers: Any) -> None:
        workers.publish(a_worker(1), WorkerReport(2.0, 0.5, 20, NOW - 3000))
        assert dict(_read(workers.metrics, [a_worker(1)])) == {}

    def test_nobody_asked_about_is_no_error(self, workers: Any) -> None:
        assert dict(_read(workers.metrics, [])) == {}


def _read(metrics: Metrics, asked: list[Instance]) -> Any:
    return metrics.reports(asked, NOW - 1800, NOW)


def test_large_fleets_are_asked_for_in_calls_of_at_most_500_queries(aws: Any) -> None:
    cloudwatch = aws("cloudwatch")
    calls: list[int] = []
    cloudwatch.meta.events.register(
        "provide-client-params.cloudwatch.GetMetricData",
        lambda params, **_: calls.append(len(params["MetricDataQueries"])),
    )
    _read(CloudWatchMetrics(cloudwatch), [a_worker(number) for number in range(200)])
    assert calls == [498, 102]
