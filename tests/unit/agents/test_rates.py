"""A worker's rate: what is measured from the task manager's counter."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudpits.agents.rates import Rate, RateMeter


def watch(
    meter: RateMeter,
    seconds: Iterable[int],
    completed: Callable[[int], int],
    busy: Callable[[int], bool] = lambda _: True,
) -> Rate | None:
    """Look at the counter at each of ``seconds``; the rate at the end."""
    for second in seconds:
        meter.observe(float(second), completed(second), busy=busy(second))
    return meter.rate()


def in_bursts(parallel: int, task_s: int) -> Callable[[int], int]:
    """Equal tasks on ``parallel`` cores, started together."""
    return lambda second: parallel * (second // task_s)


def test_nothing_is_said_before_the_second_completion() -> None:
    meter = RateMeter(window_s=300)
    assert watch(meter, range(100), lambda second: second // 60) is None


def test_a_steady_worker_has_its_rate_and_no_spread() -> None:
    rate = watch(RateMeter(window_s=300), range(1000), lambda second: second // 4)
    assert rate is not None
    assert rate.mean == pytest.approx(0.25)
    assert rate.stdev == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize("end", range(61, 241, 7))
def test_bursts_of_parallel_tasks_do_not_mislead_wherever_the_look_falls(end: int) -> None:
    rate = watch(RateMeter(window_s=300, parallel=8), range(end), in_bursts(8, 30))
    assert rate is not None
    assert rate.mean == pytest.approx(8 / 30)


def test_a_burst_seen_in_two_looks_does_not_count_as_speed() -> None:
    meter = RateMeter(window_s=300, parallel=4)
    for second, completed in ((0, 0), (100, 1), (101, 4), (200, 5), (201, 8)):
        meter.observe(second, completed, busy=True)
    rate = meter.rate()
    assert rate is not None
    assert rate.mean == pytest.approx(4 / 100, rel=0.02)


def test_tasks_longer_than_the_window_are_measured_over_a_longer_one() -> None:
    rate = watch(RateMeter(window_s=60), range(0, 5001, 10), lambda second: second // 1000)
    assert rate is not None
    assert rate.mean == pytest.approx(1 / 1000)


def test_a_change_of_speed_shows_once_the_window_has_passed() -> None:
    rate = watch(
        RateMeter(window_s=100), range(1001), lambda second: second if second < 500 else 500 + (second - 500) // 5
    )
    assert rate is not None
    assert rate.mean == pytest.approx(0.2)


def test_waiting_for_work_is_not_slowness() -> None:
    def worked(second: int) -> int:
        return min(second, 100) + max(0, second - 900)

    rate = watch(RateMeter(window_s=300), range(1001), worked, busy=lambda second: not 100 <= second < 900)
    assert rate is not None
    assert rate.mean == pytest.approx(1.0, rel=0.02)


def test_loading_data_before_the_first_task_is_not_slowness() -> None:
    rate = watch(
        RateMeter(window_s=300), range(701), lambda second: max(0, second - 600) // 10, lambda second: second >= 600
    )
    assert rate is not None
    assert rate.mean == pytest.approx(0.1)


def test_overdue_tasks_lower_the_rate() -> None:
    meter = RateMeter(window_s=300)
    before = watch(meter, range(101), lambda second: second)
    after = watch(meter, range(101, 1101), lambda _: 100)
    assert before is not None
    assert after is not None
    assert after.mean < before.mean / 5


def test_a_restarted_task_manager_counts_on() -> None:
    meter = RateMeter(window_s=300)
    watch(meter, range(101), lambda second: second)
    rate = watch(meter, range(101, 201), lambda second: second - 100)
    assert meter.tasks_completed == 200
    assert rate is not None
    assert rate.mean == pytest.approx(1.0, rel=0.02)


def test_unequal_tasks_show_as_spread() -> None:
    def alternating(second: int) -> int:  # 100 s at one task per second, 100 s at one task per five seconds
        periods, rest = divmod(second, 200)
        return periods * 120 + (rest if rest < 100 else 100 + (rest - 100) // 5)

    rate = watch(RateMeter(window_s=600), range(1201), alternating)
    assert rate is not None
    assert rate.mean == pytest.approx(0.6, rel=0.1)
    assert rate.stdev > 0.2


def test_intervals_shorter_than_the_samples_are_apart_do_not_count_as_spread() -> None:
    def seen_late(second: int) -> int:  # a steady 0.1 tasks/s, read at irregular times
        return second // 10

    coarse = [second + (25 if second % 60 == 0 else 0) for second in range(0, 601, 30)]
    sharp, dull = RateMeter(window_s=600), RateMeter(window_s=600, resolution_s=180)
    rates = [watch(meter, coarse, lambda second: seen_late(30 * (second // 30))) for meter in (sharp, dull)]
    assert rates[0] is not None
    assert rates[1] is not None
    assert rates[1].mean == rates[0].mean
    assert rates[1].stdev < rates[0].stdev


def test_one_interval_has_the_error_of_counting() -> None:
    rate = watch(RateMeter(window_s=300), range(21), lambda second: second // 10)
    assert rate is not None
    assert rate.stdev == pytest.approx(rate.mean)


@given(
    st.lists(st.tuples(st.floats(0, 500), st.integers(0, 40), st.booleans(), st.booleans()), max_size=60),
    st.integers(1, 8),
)
def test_whatever_is_seen_a_rate_is_a_positive_number(
    looks: list[tuple[float, int, bool, bool]], parallel: int
) -> None:
    meter = RateMeter(window_s=100, parallel=parallel)
    now, completed = 0.0, 0
    for seconds, tasks, busy, restarted in looks:
        now, completed = now + seconds, 0 if restarted else completed + tasks
        meter.observe(now, completed, busy=busy)
        rate = meter.rate()
        if rate is not None:
            assert 0 < rate.mean < math.inf
            assert 0 <= rate.stdev < math.inf
