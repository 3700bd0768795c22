from datetime import UTC, datetime
from typing import Any


def at(instant: Any) -> Any:
    return datetime.fromtimestamp(instant, UTC)


def prices(client: Any, **request: Any) -> Any:
    pages = (
        client("ec2")
        .get_paginator("describe_spot_price_history")
        .paginate(ProductDescriptions=["Linux/UNIX"], **request)
    )
    return [
        (row["Timestamp"].timestamp(), row["AvailabilityZone"], row["InstanceType"], float(row["SpotPrice"]))
        for page in pages
        for row in page["SpotPriceHistory"]
    ]


def test_recorded_prices_are_told_newest_first_and_not_before_their_time(client: Any, market: Any) -> None:
    told = prices(client, InstanceTypes=["c5.large"], AvailabilityZone="us-east-1a")

    assert told == [
        (market.noon - market.hour / 2, "us-east-1a", "c5.large", 0.035),
        (market.noon - market.hour, "us-east-1a", "c5.large", 0.030),
    ]


def test_the_price_valid_when_the_window_opens_is_told_too(client: Any, market: Any) -> None:
    told = prices(client, InstanceTypes=["c5.large"], StartTime=at(market.noon - 60), EndTime=at(market.noon))

    assert {(zone, price) for _, zone, _, price in told} == {("us-east-1a", 0.035), ("us-east-1b", 0.034)}


def test_price_history_comes_in_pages(client: Any) -> None:
    whole = prices(client)

    assert prices(client, PaginationConfig={"PageSize": 1}) == whole
    assert len(whole) == 4


def test_instance_types_have_their_catalogue_facts(client: Any) -> None:
    (found,) = client("ec2").describe_instance_types(InstanceTypes=["c5.large"])["InstanceTypes"]

    assert found["VCpuInfo"] == {"DefaultVCpus": 2, "DefaultCores": 1, "DefaultThreadsPerCore": 2}
    assert found["ProcessorInfo"]["SupportedArchitectures"] == ["x86_64"]


def test_a_type_is_offered_where_it_has_a_price(client: Any) -> None:
    offered = client("ec2").describe_instance_type_offerings(
        LocationType="availability-zone", Filters=[{"Name": "instance-type", "Values": ["m5.*"]}]
    )["InstanceTypeOfferings"]

    assert [(offer["InstanceType"], offer["Location"]) for offer in offered] == [("m5.large", "us-east-1a")]


def test_metrics_of_market_time_are_kept_and_found(client: Any, clock: Any) -> None:
    cloudwatch = client("cloudwatch")
    dimensions = [{"Name": "Instance Id", "Value": "i-1"}, {"Name": "Type", "Value": "c5.large"}]
    measured_at = clock.now() - 120
    cloudwatch.put_metric_data(
        Namespace="Performance",
        MetricData=[{"MetricName": "perf_sec", "Dimensions": dimensions, "Value": 2.5, "Timestamp": at(measured_at)}],
    )

    metric = {"Namespace": "Performance", "MetricName": "perf_sec", "Dimensions": dimensions}
    (found,) = cloudwatch.get_metric_data(
        MetricDataQueries=[{"Id": "a", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Average"}}],
        StartTime=at(measured_at - 480),
        EndTime=at(clock.now()),
    )["MetricDataResults"]

    assert found["Values"] == [2.5]
    assert abs(found["Timestamps"][0].timestamp() - measured_at) <= 60
