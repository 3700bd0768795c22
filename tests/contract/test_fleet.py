"""What the use cases rely on from a fleet: the same for EC2 and for its stand-in in memory."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.stub import ANY, Stubber

from cloudpits.adapters.aws.fleet import Ec2Fleet, Site
from cloudpits.adapters.memory.clock import MemoryClock
from cloudpits.adapters.memory.fleet import TERMINATED, MemoryFleet
from cloudpits.domain.errors import AccessError, CapacityError, InvalidInputError, QuotaError, ThrottledError
from cloudpits.domain.model import Market, Pool
from cloudpits.domain.ports import Fleet, LaunchRequest, Role

SPOT = Pool("c5.large", "us-east-1a", Market.SPOT)
ON_DEMAND = Pool("m5.xlarge", "us-east-1b", Market.ON_DEMAND)


def a_launch(name: str = "launch", pool: Pool = SPOT, **fields: Any) -> LaunchRequest:
    return LaunchRequest(**({"token": name, "role": Role.of_worker(pool.market), "pool": pool, "count": 1} | fields))


@dataclass
class Account:
    """An account with a template and a subnet per zone."""

    ec2: Any
    site: Site

    def fleet(self) -> Ec2Fleet:
        return Ec2Fleet(self.ec2, self.site, lambda name: "arm64" if name.startswith("c6g") else "x86_64")


@pytest.fixture
def account(aws: Any) -> Account:
    ec2 = aws("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = {
        zone: ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{i}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for i, zone in enumerate(("us-east-1a", "us-east-1b"))
    }
    templates = [
        ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData={"ImageId": "ami-12c6146b"})
        for name in ("worker", "manager")
    ]
    worker, manager = (template["LaunchTemplate"]["LaunchTemplateId"] for template in templates)
    return Account(ec2, Site("pi", "pi-1", {"x86_64": worker}, manager, subnets))


@pytest.fixture(params=["memory", "aws"])
def fleet(request: pytest.FixtureRequest) -> Fleet:
    if request.param == "memory":
        return MemoryFleet(MemoryClock(1_000.0))
    made: Fleet = request.getfixturevalue("account").fleet()
    return made


class TestEveryFleet:
    def test_a_new_run_has_no_instances(self, fleet: Fleet) -> None:
        assert tuple(fleet.describe()) == ()

    def test_what_is_launched_is_described_as_it_was_asked_for(self, fleet: Fleet) -> None:
        ids = fleet.launch(a_launch(count=2, ceiling_usd_per_hour=0.085, replaces="i-0old"))
        found = fleet.describe()
        assert {i.instance_id for i in found} == set(ids)
        assert 1 <= len(ids) <= 2  # moto starts MinCount where EC2 starts up to MaxCount
        for instance in found:
            assert (instance.role, instance.pool) == (Role.WORKER_SPOT, SPOT)
            assert instance.state in ("pending", "running")
            assert instance.alive
            assert (instance.replaces, instance.ceiling_usd_per_hour) == ("i-0old", 0.085)
            assert instance.launched_at > 0

    def test_the_job_manager_is_told_apart_from_workers_on_demand(self, fleet: Fleet) -> None:
        fleet.launch(a_launch("1", ON_DEMAND))
        fleet.launch(a_launch("2", ON_DEMAND, role=Role.JOB_MANAGER))
        assert sorted(i.role for i in fleet.describe()) == [Role.JOB_MANAGER, Role.WORKER_ON_DEMAND]

    def test_what_is_terminated_ends_and_says_so(self, fleet: Fleet) -> None:
        (first,) = fleet.launch(a_launch("1"))
        (second,) = fleet.launch(a_launch("2"))
        fleet.terminate([first])
        states = {i.instance_id: i for i in fleet.describe()}
        assert states[first].state in ("shutting-down", "terminated")
        assert states[first].end_reason == TERMINATED
        assert states[second].alive

    def test_terminating_twice_or_what_never_was_is_no_error(self, fleet: Fleet) -> None:
        (known,) = fleet.launch(a_launch())
        fleet.terminate(["i-0123456789abcdef0", known])
        fleet.terminate([known])
        fleet.terminate([])
        assert [i.state in ("shutting-down", "terminated") for i in fleet.describe()] == [True]


def test_a_repeated_token_starts_nothing_new() -> None:
    fleet = MemoryFleet(MemoryClock())
    assert fleet.launch(a_launch("again")) == fleet.launch(a_launch("again"))
    assert len(fleet.describe()) == 1


class TestEc2:
    def test_requests_carry_token_market_subnet_template_and_tags(self, account: Account) -> None:
        sent: dict[str, Any] = {}
        account.ec2.meta.events.register(
            "provide-client-params.ec2.RunInstances", lambda params, **_: sent.update(params)
        )
        account.fleet().launch(a_launch("token-1", ceiling_usd_per_hour=0.085))
        assert sent["ClientToken"] == "token-1"
        assert sent["InstanceMarketOptions"] == {
            "MarketType": "spot",
            "SpotOptions": {
                "SpotInstanceType": "one-time",
                "InstanceInterruptionBehavior": "terminate",
                "MaxPrice": "0.085000",
            },
        }
        assert sent["LaunchTemplate"]["LaunchTemplateId"] == account.site.worker_templates["x86_64"]
        assert sent["SubnetId"] == account.site.subnets["us-east-1a"]
        assert {"Key": "Type", "Value": "worker-spot"} in sent["TagSpecifications"][0]["Tags"]
        assert {"Key": "cloudpits:run", "Value": "pi-1"} in sent["TagSpecifications"][0]["Tags"]

    def test_instances_of_other_runs_are_not_seen(self, account: Account) -> None:
        account.fleet().launch(a_launch())
        other = Site("pi", "pi-2", account.site.worker_templates, "lt-0", account.site.subnets)
        assert Ec2Fleet(account.ec2, other, lambda _: "x86_64").describe() == ()

    def test_a_pool_outside_the_deployed_zones_is_refused_by_name(self, account: Account) -> None:
        with pytest.raises(InvalidInputError, match="us-east-1f"):
            account.fleet().launch(a_launch(pool=Pool("c5.large", "us-east-1f", Market.SPOT)))

    def test_an_architecture_without_a_template_is_refused_by_name(self, account: Account) -> None:
        with pytest.raises(InvalidInputError, match="arm64"):
            account.fleet().launch(a_launch(pool=Pool("c6g.large", "us-east-1a", Market.SPOT)))

    @pytest.mark.parametrize(
        ("code", "error"),
        [
            ("InsufficientInstanceCapacity", CapacityError),
            ("SpotMaxPriceTooLow", CapacityError),
            ("MaxSpotInstanceCountExceeded", QuotaError),
            ("VcpuLimitExceeded", QuotaError),
            ("RequestLimitExceeded", ThrottledError),
            ("UnauthorizedOperation", AccessError),
        ],
    )
    def test_refusals_name_the_code_and_become_the_domains_errors(
        self, account: Account, code: str, error: type[Exception]
    ) -> None:
        with Stubber(account.ec2) as stub:
            stub.add_client_error("run_instances", code, "no")
            with pytest.raises(error, match=code):
                account.fleet().launch(a_launch())

    def test_every_page_and_every_instance_of_a_reservation_is_read(self, account: Account) -> None:
        def described(number: int) -> dict[str, Any]:
            return {
                "InstanceId": f"i-{number}",
                "InstanceType": "c5.large",
                "State": {"Name": "running"},
                "LaunchTime": datetime(2021, 3, 10, 10, tzinfo=UTC),
                "Placement": {"AvailabilityZone": "us-east-1a"},
                "Tags": [{"Key": "Type", "Value": "worker-spot"}],
            }

        pages = [
            {"Reservations": [{"Instances": [described(1), described(2)]}], "NextToken": "more"},
            {"Reservations": [{"Instances": [described(3)]}]},
        ]
        with Stubber(account.ec2) as stub:
            stub.add_response("describe_instances", pages[0], {"Filters": ANY})
            stub.add_response("describe_instances", pages[1], {"Filters": ANY, "NextToken": "more"})
            assert [i.instance_id for i in account.fleet().describe()] == ["i-1", "i-2", "i-3"]

    def test_an_interruption_and_its_instant_are_read_from_the_description(self, account: Account) -> None:
        item = {
            "InstanceId": "i-1",
            "InstanceType": "c5.large",
            "State": {"Name": "terminated"},
            "StateReason": {"Code": "Server.SpotInstanceTermination", "Message": "Spot instance termination"},
            "StateTransitionReason": "Service initiated (2021-03-10 10:05:00 GMT)",
            "LaunchTime": datetime(2021, 3, 10, 10, tzinfo=UTC),
            "Placement": {"AvailabilityZone": "us-east-1a"},
            "Tags": [{"Key": "Type", "Value": "worker-spot"}],
        }
        with Stubber(account.ec2) as stub:
            stub.add_response("describe_instances", {"Reservations": [{"Instances": [item]}]}, {"Filters": ANY})
            (instance,) = account.fleet().describe()
        assert instance.end_reason == "Server.SpotInstanceTermination"
        assert instance.ended_at == instance.launched_at + 300.0
        assert not instance.alive
