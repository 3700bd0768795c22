import time
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.waiting import until


def refused(call: Any) -> Any:
    with pytest.raises(ClientError) as error:
        call()
    return error.value.response["Error"]["Code"]


def state(pool: Any, instance_id: Any) -> Any:
    return pool.describe(instance_id)["State"]["Name"]


def ended_at(pool: Any, instance_id: Any) -> Any:
    """When EC2 says that an instance began to end, in whole seconds."""
    said = pool.describe(instance_id)["StateTransitionReason"].partition("(")[2].removesuffix(" GMT)")
    return datetime.strptime(said, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()


def test_a_template_and_a_request_make_a_tagged_spot_instance_in_the_requested_zone(pool: Any) -> None:
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "Type", "Value": "worker-spot"}]}]

    (instance,) = pool.spot(zone="us-east-1b", TagSpecifications=tags)

    assert instance["InstanceLifecycle"] == "spot"
    assert instance["Placement"]["AvailabilityZone"] == "us-east-1b"
    assert {tag["Key"]: tag["Value"] for tag in instance["Tags"]} == {"Type": "worker-spot", "cloudpits:run": pool.run}
    assert instance["LaunchTime"].year == 2021  # the market's time


def test_an_on_demand_instance_has_no_lifecycle(pool: Any) -> None:
    (instance,) = pool.launch("m5.large")

    assert "InstanceLifecycle" not in instance


def test_instances_become_running_and_each_has_an_address_of_its_own(pool: Any) -> None:
    instances = pool.launch(count=3)

    assert len({instance["PrivateIpAddress"] for instance in instances}) == 3
    assert all(instance["PrivateIpAddress"].startswith("127.") for instance in instances)
    assert until(lambda: state(pool, instances[0]["InstanceId"]) == "running")


def test_a_repeated_client_token_starts_nothing_new(pool: Any) -> None:
    first = pool.launch(count=2, ClientToken="once")
    second = pool.launch(count=2, ClientToken="once")

    assert [i["InstanceId"] for i in first] == [i["InstanceId"] for i in second]
    assert refused(lambda: pool.launch(count=1, ClientToken="once")) == "IdempotentParameterMismatch"


def test_describe_pages_and_filters(pool: Any) -> None:
    pool.launch(count=3)
    pool.launch("m5.large")
    pages = pool.ec2.get_paginator("describe_instances").paginate(
        Filters=[{"Name": "instance-type", "Values": ["c5.*"]}, {"Name": "tag:cloudpits:run", "Values": [pool.run]}],
        PaginationConfig={"PageSize": 2},
    )

    sizes = [sum(len(r["Instances"]) for r in page["Reservations"]) for page in pages]

    assert sizes == [2, 1]


def test_a_terminated_instance_says_who_ended_it(pool: Any) -> None:
    (instance,) = pool.launch()
    pool.ec2.terminate_instances(InstanceIds=[instance["InstanceId"]])

    until(lambda: state(pool, instance["InstanceId"]) == "terminated")

    described = pool.describe(instance["InstanceId"])
    assert described["StateReason"]["Code"] == "Client.UserInitiatedShutdown"
    assert "GMT" in described["StateTransitionReason"]


def test_an_instance_that_shuts_itself_down_is_terminated(pool: Any, aws: Any) -> None:
    (instance,) = pool.launch()
    aws.shut_down(instance["InstanceId"])

    until(lambda: state(pool, instance["InstanceId"]) == "terminated")

    assert pool.describe(instance["InstanceId"])["StateReason"]["Code"] == "Client.InstanceInitiatedShutdown"


def test_an_interrupted_spot_instance_has_two_minutes_of_market_time(pool: Any, aws: Any, clock: Any) -> None:
    (instance,) = pool.spot()
    warned_at = clock.now()

    assert aws.interrupt(instance["InstanceId"])
    until(lambda: state(pool, instance["InstanceId"]) == "terminated")

    assert ended_at(pool, instance["InstanceId"]) >= int(warned_at + 120)
    assert pool.describe(instance["InstanceId"])["StateReason"]["Code"] == "Server.SpotInstanceTermination"


def test_on_demand_instances_are_never_interrupted(pool: Any, aws: Any) -> None:
    (instance,) = pool.launch()

    assert not aws.interrupt(instance["InstanceId"])


def test_a_price_above_the_maximum_price_interrupts(other_cloud: Any, market: Any) -> None:
    rise = market.noon + 10 * market.hour  # ten real minutes, for a slow machine to ask at the low price
    prices = [[market.noon - 60, "us-east-1a", "c5.large", 0.03], [rise, "us-east-1a", "c5.large", 0.06]]
    with other_cloud(prices=prices) as pool:
        (cheap,) = pool.spot(max_price=0.05)
        (dear,) = pool.spot(max_price=0.08)

        pool.aws.set_clock(time.time() - (rise - market.noon) / market.scale)

        until(lambda: state(pool, cheap["InstanceId"]) == "terminated")

        assert state(pool, dear["InstanceId"]) == "running"


@pytest.mark.parametrize(
    ("request_for", "code"),
    [
        (lambda pool: pool.launch("c9.large"), "InvalidParameterValue"),
        (lambda pool: pool.launch("m5.large", zone="us-east-1b"), "Unsupported"),
        (lambda pool: pool.spot(max_price=0.01), "SpotMaxPriceTooLow"),
        (lambda pool: pool.launch(DryRun=True), "DryRunOperation"),
        (lambda pool: pool.describe("i-0123456789abcdef0"), "InvalidInstanceID.NotFound"),
    ],
)
def test_what_aws_refuses_is_refused_with_its_code(pool: Any, request_for: Any, code: Any) -> None:
    assert refused(lambda: request_for(pool)) == code


def test_the_vcpu_quota_holds(other_cloud: Any) -> None:
    with other_cloud(vcpu_quota=4) as pool:
        pool.launch(count=2)

        assert refused(pool.launch) == "VcpuLimitExceeded"
        assert refused(pool.spot) == "MaxSpotInstanceCountExceeded"


def test_a_pool_holds_only_so_many_spot_instances(other_cloud: Any) -> None:
    with other_cloud(pool_capacity=2) as pool:
        options = {"MarketType": "spot", "SpotOptions": {"MaxPrice": "0.05"}}
        launched = pool.launch(count=3, MinCount=1, InstanceMarketOptions=options)

        assert len(launched) == 2
        assert refused(pool.spot) == "InsufficientInstanceCapacity"
        assert len(pool.spot(zone="us-east-1b")) == 1
        assert len(pool.launch()) == 1  # on-demand capacity is another matter


def test_capacity_errors_can_be_switched_on_and_off(pool: Any, aws: Any) -> None:
    aws.set_capacity_errors(1.0)
    assert refused(pool.launch) == "InsufficientInstanceCapacity"

    aws.set_capacity_errors(0.0)
    assert len(pool.launch()) == 1
