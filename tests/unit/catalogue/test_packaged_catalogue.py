"""The packaged catalogue: facts of EC2 without an account."""

from __future__ import annotations

import csv
import math
import subprocess
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import pytest

from cloudpits.adapters.catalogue import PackagedCatalogue, tables
from cloudpits.adapters.catalogue.packaged import BUCKET_SHARES
from cloudpits.domain.estimation.hazard import from_monthly_share

BOTH = ("x86_64", "arm64")


def instant(year: int, month: int) -> float:
    return datetime(year, month, 1, tzinfo=UTC).timestamp()


def test_globs_choose_types_with_their_facts() -> None:
    types = PackagedCatalogue("us-east-1", instant(2021, 3)).types(["c5.*large", "m5.large"], BOTH)
    assert {"c5.large", "c5.24xlarge", "m5.large"} <= set(types)
    assert "c5.metal" not in types
    assert types["c5.24xlarge"].vcpus == 96
    assert types["c5.24xlarge"].cores == 48
    assert types["m5.large"].memory_gib == 8.0


def test_architecture_follows_the_module() -> None:
    catalogue = PackagedCatalogue("us-east-1")
    assert set(catalogue.types(["m6g.large", "m5.large"], ["arm64"])) == {"m6g.large"}
    assert set(catalogue.types(["m6g.large", "m5.large"], ["x86_64"])) == {"m5.large"}


def test_types_not_sold_in_a_region_are_absent() -> None:
    assert PackagedCatalogue("eu-south-1").types(["p3dn.24xlarge"], BOTH) == {}


def test_an_unknown_region_sells_nothing() -> None:
    assert PackagedCatalogue("xx-nowhere-1").types(["*.*"], BOTH) == {}


@pytest.mark.parametrize(("year", "expected"), [(2020, 0.0255), (2025, 0.027), (2026, 0.0255)])
def test_the_price_nearest_in_time_counts(year: int, expected: float) -> None:
    catalogue = PackagedCatalogue("us-east-1", instant(year, 6 if year != 2025 else 2))
    assert catalogue.on_demand_usd_per_hour("a1.medium") == expected


def test_without_a_date_the_newest_price_counts() -> None:
    assert PackagedCatalogue("us-east-1").on_demand_usd_per_hour("a1.medium") == 0.0255


def test_zones_carry_the_region() -> None:
    zones = PackagedCatalogue("us-east-1").zones(["c5.large"])["c5.large"]
    assert list(zones) == [f"us-east-1{letter}" for letter in "abcdef"]


def test_a_hazard_interrupts_the_advertised_share_within_a_month() -> None:
    for share in BUCKET_SHARES:
        assert 1.0 - math.exp(-720.0 * from_monthly_share(share)) == pytest.approx(share)


def test_interruption_rates_grow_with_the_advisors_bucket() -> None:
    catalogue = PackagedCatalogue("us-east-1")
    rates = {catalogue.interruptions_per_hour(name) for name in catalogue.types(["*.*"], BOTH)} - {None}
    assert rates == {from_monthly_share(share) for share in BUCKET_SHARES}


def test_a_type_that_the_advisor_does_not_list_has_no_prior() -> None:
    assert PackagedCatalogue("us-east-1").interruptions_per_hour("m7i.large") is None


def test_needs_the_standard_library_only() -> None:
    code = (
        "import sys; from cloudpits.adapters.catalogue import PackagedCatalogue;"
        "PackagedCatalogue('us-east-1').types(['c5.*'], ['x86_64']);"
        "print([m for m in ('numpy', 'polars', 'pydantic', 'boto3') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_rows_of_other_regions_are_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[dict[str, str]] = []

    def noted(lines: Iterable[str]) -> Iterator[dict[str, str]]:
        parsed.extend(csv.DictReader(lines))
        return iter(parsed)

    monkeypatch.setattr(tables, "_rows", noted)
    tables.on_demand_prices.cache_clear()
    tables.on_demand_prices("us-east-1")
    assert {row["region"] for row in parsed} == {"us-east-1"}


def test_loads_within_a_cold_starts_patience() -> None:
    """A seventh of a second where the files are decompressed and split in 6 ms; half of that in fact."""
    code = (
        "import time; a=time.process_time(); from cloudpits.adapters.catalogue import PackagedCatalogue;"
        "c=PackagedCatalogue('us-east-1'); c.types(['c5.*'], ['x86_64']); c.interruptions_per_hour('c5.large');"
        "b=time.process_time(); from cloudpits.adapters.catalogue.tables import _lines;"
        "[_lines(name) for name in ('types.csv.xz', 'prices.csv.xz', 'advisor.csv.xz')];"
        "print(b-a, time.process_time()-b)"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
        for _ in range(3)
    ]
    loaded, split = (min(float(run[part]) for run in runs) for part in (0, 1))
    assert loaded < 24 * split


def test_a_second_catalogue_reads_nothing_again() -> None:
    def read() -> list[int]:
        return [table.cache_info().misses for table in (tables.instance_types, tables.on_demand_prices)]

    PackagedCatalogue("us-east-1").types(["c5.*"], BOTH)
    before = read()
    PackagedCatalogue("us-east-1").types(["c5.*"], BOTH)
    assert read() == before
