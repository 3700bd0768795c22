"""The rules that keep a fleet from being busy for nothing."""

from __future__ import annotations

import pytest

from cloudpits.domain.ledger.certificate import certificate, completion_probability
from cloudpits.domain.model import Mode
from cloudpits.domain.planning.goal import EMPTY, Goal
from cloudpits.domain.planning.option import Option
from cloudpits.domain.rebalancing.cooldown import cooling
from cloudpits.domain.rebalancing.exploration import best_probe, expected_saving
from cloudpits.domain.rebalancing.replacement import Outlook, allowed_now, net_gain_usd
from cloudpits.domain.wording import duration, usd, usd_per_tasks
from tests.unit.domain.worlds import HOUR, NOW, fleet, on_demand, spot, under_way, worker

POOL = spot("c5.large")


def option(usd_per_hour: float, rate: float = 1.0, spread: float = 0.0, name: str = "c5.large") -> Option:
    price = usd_per_hour / HOUR
    return Option(spot(name), price, rate, rate, 90.0, 2, ceiling=price, spread=spread)


def outlook(hours: float, usd_per_hour_per_rate: float = 0.1, **more: float) -> Outlook:
    return Outlook(hours * HOUR, usd_per_hour_per_rate / HOUR, free_place=True, **more)  # type: ignore[arg-type]  # figures only


def goal(tasks: float = 36_000.0, budget: float = 10.0, deadline: float = float("inf")) -> Goal:
    return Goal(Mode.MIN_COST, tasks, budget, deadline, 0.085 / HOUR, 20.0, 20, 300.0, 361.0)


def test_a_cheaper_pool_pays_when_enough_time_is_left() -> None:
    assert net_gain_usd(option(0.08), option(0.04), 1800.0, outlook(4.0))[1] > 0.0


def test_the_same_pool_does_not_pay_shortly_before_the_end() -> None:
    assert net_gain_usd(option(0.08), option(0.04), 1800.0, outlook(0.05))[1] < 0.0


def test_the_gain_is_the_price_difference_less_the_start_up() -> None:
    gain, net = net_gain_usd(option(0.08), option(0.04), 1800.0, outlook(1.0))
    assert gain == pytest.approx(0.04 * (HOUR - 90.0) / HOUR - 0.04 * 90.0 / HOUR)
    assert net == pytest.approx(gain - 0.1 * 0.08)


def test_an_equal_worker_never_pays() -> None:
    assert net_gain_usd(option(0.08), option(0.08), 1800.0, outlook(100.0))[0] < 0.0


def test_doubt_about_rates_must_be_earned_too() -> None:
    sure = net_gain_usd(option(0.08), option(0.06), 1800.0, outlook(10.0))[1]
    unsure = net_gain_usd(option(0.08, spread=0.2), option(0.06, spread=0.2), 1800.0, outlook(10.0))[1]
    assert sure > 0.0 > unsure


def test_without_a_free_place_the_lost_work_is_charged() -> None:
    free = net_gain_usd(option(0.08), option(0.04), 1800.0, outlook(2.0))[0]
    full = net_gain_usd(option(0.08), option(0.04), 1800.0, Outlook(2 * HOUR, 0.1 / HOUR, free_place=False))[0]
    assert free - full == pytest.approx(0.1 / HOUR * 90.0)


def test_a_pool_that_is_often_interrupted_has_less_time_to_earn_it_back() -> None:
    calm = net_gain_usd(option(0.08), option(0.04), 1800.0, outlook(10.0))[0]
    stormy = net_gain_usd(option(0.08), option(0.04), 1800.0, outlook(10.0, hazards_per_s=1 / HOUR))[0]
    assert stormy < calm


@pytest.mark.parametrize(("workers", "expected"), [(1, 1), (9, 1), (20, 2), (100, 10)])
def test_a_tenth_of_the_fleet_may_be_disturbed(workers: int, expected: int) -> None:
    assert allowed_now(under_way(fleet(POOL, workers)), workers) == expected


def test_replacements_under_way_count() -> None:
    crew = (*fleet(POOL, 20), worker("i-new", POOL, age_s=10.0, replaces="i-0"))
    assert allowed_now(under_way(crew), 20) == 1


def test_a_refusing_pool_cools_down_for_longer_each_time() -> None:
    assert cooling([(POOL, NOW - 179.0)], NOW) == {POOL}
    assert cooling([(POOL, NOW - 181.0)], NOW) == frozenset()
    assert cooling([(POOL, NOW - 900.0), (POOL, NOW - 300.0)], NOW) == {POOL}
    assert cooling([(POOL, NOW - 9000.0)], NOW) == frozenset()


def test_nothing_can_be_learnt_where_nothing_is_uncertain() -> None:
    assert best_probe([option(0.01, spread=0.01)], (), 0.1 / HOUR, 1e6, 400.0) is None


def test_a_promising_unknown_type_is_worth_a_probe() -> None:
    probe = best_probe([option(0.08, spread=0.3, name="r5.large")], (), 0.1 / HOUR, 1e6, 400.0)
    assert probe is not None
    assert probe.promise_usd > probe.price_usd
    assert "never measured" in probe.launch(0.1 / HOUR).reason


def test_a_type_is_probed_once() -> None:
    assert best_probe([option(0.08, spread=0.3)], {"c5.large"}, 0.1 / HOUR, 1e6, 400.0) is None


def test_little_work_left_is_not_worth_a_probe() -> None:
    assert best_probe([option(0.08, spread=0.3)], (), 0.1 / HOUR, 100.0, 400.0) is None


def test_the_expected_saving_without_doubt_is_the_difference() -> None:
    assert expected_saving(3.0, option(HOUR, 0.5)) == pytest.approx(1.0)
    assert expected_saving(1.0, option(HOUR, 0.5)) == 0.0


def test_doubt_makes_even_a_dearer_type_promise_something() -> None:
    assert expected_saving(1.0, option(1.1 * HOUR, 1.0, spread=0.3)) > 0.0


def od(rate: float = 1.0) -> Option:
    return Option(on_demand("c5.large"), 0.085 / HOUR, rate, rate, 90.0, 2, ceiling=0.085 / HOUR)


def test_the_certificate_holds_while_the_rest_is_affordable_on_demand() -> None:
    assert certificate(goal(budget=2.0), od()).holds  # type: ignore[union-attr]  # an option was given
    assert not certificate(goal(budget=0.5), od()).holds  # type: ignore[union-attr]  # likewise
    assert not certificate(goal(deadline=1800.0), od()).holds  # type: ignore[union-attr]  # likewise


def test_without_on_demand_offers_nothing_is_certified() -> None:
    assert certificate(goal(), None) is None


def test_the_certificate_costs_what_on_demand_costs_and_a_reserve() -> None:
    certified = certificate(goal(), od())
    assert certified is not None
    assert certified.cost_usd > 1.05 * 36_000.0 * 0.085 / HOUR
    assert certified.slack_usd == pytest.approx(10.0 - certified.cost_usd)


def test_completion_is_likelier_with_more_money() -> None:
    crew = option(0.1).added_to(EMPTY, 10)
    tight, ample = (completion_probability(goal(budget=usd), crew, 0.05) for usd in (1.1, 1.5))
    assert 0.0 < tight < ample <= 1.0
    assert completion_probability(goal(budget=float("inf")), crew, 0.05) == 1.0
    assert completion_probability(goal(), EMPTY, 0.05) == 0.0


def test_figures_read_well() -> None:
    assert usd(1.234) == "1.23 USD"
    assert usd(0.0041) == "0.0041 USD"
    assert usd_per_tasks(41.2e-6) == "41.2 USD per million tasks"
    assert usd_per_tasks(0.5) == "0.5 USD per task"
    assert (duration(45.0), duration(720.0), duration(3.4 * HOUR)) == ("45 s", "12 min", "3.4 h")
    assert duration(float("inf")) == "for ever"
