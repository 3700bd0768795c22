import pytest

from cloudpits.domain.errors import InvalidInputError
from cloudpits.domain.model import InstanceType, RateSample
from cloudpits.local.speeds import FASTEST_SHARE, speeds_from_facts, speeds_from_table


def table(**rates: float) -> list[RateSample]:
    return [RateSample(name.replace("_", "."), rate, 0.0, 1) for name, rate in rates.items()]


def test_a_share_is_what_the_rate_takes_of_one_core() -> None:
    # 0.02 tasks/s of market time are 1.2 tasks/s of real time, of 0.05 CPU seconds each
    speeds = speeds_from_table(table(c5_large=0.02), cpu_s_per_task=0.05, scale=60)

    assert speeds.share("c5.large") == pytest.approx(0.06)


def test_ratios_of_the_table_are_kept() -> None:
    speeds = speeds_from_table(table(c5_large=0.02, c5_xlarge=0.05), cpu_s_per_task=0.05, scale=60)

    assert speeds.share("c5.xlarge") / speeds.share("c5.large") == pytest.approx(2.5)


def test_types_that_no_table_lists_are_as_slow_as_the_slowest() -> None:
    speeds = speeds_from_table(table(c5_large=0.02, c5_xlarge=0.05), cpu_s_per_task=0.05, scale=60)

    assert speeds.share("m5.large") == speeds.share("c5.large")


def test_more_than_the_machine_can_do_is_refused_with_what_it_can() -> None:
    with pytest.raises(InvalidInputError, match=r"c5\.large would need 3\.0 cores.*use at most 18"):
        speeds_from_table(table(c5_large=1.0), cpu_s_per_task=0.05, scale=60)


def test_without_measurements_speed_follows_cores_and_clock() -> None:
    types = {
        "slow.large": InstanceType("slow.large", 2, "x86_64", clock_ghz=2.0),
        "fast.xlarge": InstanceType("fast.xlarge", 4, "x86_64", clock_ghz=3.0),
    }

    speeds = speeds_from_facts(types)

    assert speeds.share("fast.xlarge") == FASTEST_SHARE
    assert speeds.share("slow.large") == pytest.approx(FASTEST_SHARE / 3)
