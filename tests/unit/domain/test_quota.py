"""What a refusal for quota says of other pools."""

from __future__ import annotations

import pytest

from cloudpits.domain.model import InstanceType, Pool
from cloudpits.domain.rebalancing.quota import as_large, quota_group
from tests.unit.domain.worlds import ALL_OFFERS, TYPES, on_demand, spot


@pytest.mark.parametrize(
    ("instance_type", "group"),
    [
        ("c5n.18xlarge", "standard"),
        ("im4gn.large", "standard"),
        ("t3a.micro", "standard"),
        ("g4dn.xlarge", "graphics"),
        ("vt1.3xlarge", "graphics"),
        ("p3.2xlarge", "p"),
        ("inf2.xlarge", "inf"),
        ("hpc7a.96xlarge", "hpc"),
        ("", ""),
    ],
)
def test_families_are_counted_in_groups(instance_type: str, group: str) -> None:
    assert quota_group(instance_type) == group


def test_types_as_large_are_left_alone_in_every_zone_and_smaller_ones_are_not() -> None:
    closed = as_large(spot("c5.xlarge"), TYPES, ALL_OFFERS)
    assert {pool.instance_type for pool in closed} == {"c5.xlarge", "m5.xlarge"}
    assert {pool.availability_zone for pool in closed} == {"us-east-1a", "us-east-1b"}
    assert not any(pool.market == on_demand("c5.xlarge").market for pool in closed)


def test_another_group_has_a_quota_of_its_own() -> None:
    types = {**TYPES, "g4dn.xlarge": InstanceType("g4dn.xlarge", 4, "x86_64")}
    pools = [*ALL_OFFERS, spot("g4dn.xlarge")]
    assert as_large(spot("g4dn.xlarge"), types, pools) == [spot("g4dn.xlarge")]
    assert spot("g4dn.xlarge") not in as_large(spot("c5.xlarge"), types, pools)


def test_of_a_type_nobody_knows_only_its_own_pool_is_closed() -> None:
    unknown: Pool = spot("x9.unknown")
    assert as_large(unknown, TYPES, [*ALL_OFFERS, unknown]) == [unknown]
