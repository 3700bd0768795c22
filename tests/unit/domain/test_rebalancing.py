"""The rules that keep a fleet from being busy for nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cloudpits.domain.commands import Replace
from cloudpits.domain.estimation.capacity import capacity_of
from cloudpits.domain.estimation.knowledge import rates_of
from cloudpits.domain.ledger.certificate import certificate, completion_probability
from cloudpits.domain.model import Mode
from cloudpits.domain.planning.goal import EMPTY, Goal
from cloudpits.domain.planning.market import survey
from cloudpits.domain.planning.option import Option
from cloudpits.domain.planning.search import fleet_of
from cloudpits.domain.rebalancing.cooldown import cooling
from cloudpits.domain.rebalancing.exploration import Case, expected_saving, probes, representatives
from cloudpits.domain.rebalancing.replacement import Outlook, Swap, allowed_now, improving, net_gain_usd
from cloudpits.domain.rebalancing.resizing import netted
from cloudpits.domain.wording import duration, usd, usd_per_tasks
from tests.unit.domain.worlds import HOUR, NOW, TYPES, fleet, on_demand, snapshot, spot, under_way, worker

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


CASE = Case(usd_per_task=0.1 / HOUR, tasks_left=1e6, trial_s=400.0)


def test_nothing_can_be_learnt_where_nothing_is_uncertain() -> None:
    assert probes([option(0.01, spread=0.01)], CASE) == []


def test_a_promising_unknown_type_is_worth_a_probe() -> None:
    (probe,) = probes([option(0.08, spread=0.3, name="r5.large")], CASE)
    assert probe.promise_usd > probe.price_usd
    assert "never measured" in probe.command(CASE.usd_per_task).reason


def test_the_more_was_tried_the_more_a_probe_must_promise() -> None:
    assert probes([option(0.08, spread=0.3)], CASE)
    assert probes([option(0.08, spread=0.3)], replace(CASE, probed=10_000)) == []


def test_a_probe_takes_a_place_where_none_is_free() -> None:
    (probe,) = probes([option(0.08, spread=0.3)], replace(CASE, usd_per_s_displaced=0.1 / HOUR))
    (free,) = probes([option(0.08, spread=0.3)], CASE)
    assert probe.price_usd > free.price_usd
    command = probe.command(CASE.usd_per_task, fleet(POOL, 1)[0])
    assert isinstance(command, Replace)
    assert command.instance_id == "i-0"


def test_a_processor_is_probed_by_its_cheapest_type_and_once() -> None:
    market = survey(snapshot(history=()), rates_of(snapshot(history=())))
    tried = representatives(market, ())
    processors = [capacity_of(TYPES[o.pool.instance_type]).processor for o in tried]
    assert len(processors) == len(set(processors)) == len({capacity_of(kind).processor for kind in TYPES.values()})
    assert "c5.large" in {o.pool.instance_type for o in tried}
    known = representatives(market, {"c5.large"})
    assert not any(o.pool.instance_type.startswith("c5.") for o in known)


def test_little_work_left_is_not_worth_a_probe() -> None:
    assert probes([option(0.08, spread=0.3)], replace(CASE, tasks_left=100.0)) == []


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


def test_a_swap_that_saves_money_but_misses_the_deadline_is_not_made() -> None:
    """Ten fast workers just meet the deadline; a slower one is cheaper per task, but its place would be lacking."""
    fast, slow = option(0.5, rate=10.0), option(0.01, rate=1.0, name="m5.large")
    swap = Swap(worker("i-0", POOL), fast, slow, gain_usd=1.0, net_usd=0.5)
    team = fast.added_to(EMPTY, 10)
    roomy, tight = (
        goal(tasks=360_000.0, budget=100.0, deadline=9e4),
        goal(tasks=360_000.0, budget=100.0, deadline=3700.0),
    )
    assert list(improving([swap], team, roomy)) == [swap]
    assert list(improving([swap], team, tight)) == []


def test_nobody_leaves_a_pool_in_which_others_arrive() -> None:
    """Crew of three and a fresh option of the same pool: exchanging two for one new is letting one go."""
    crew, fresh = option(0.1)._replace(running=True, bound=3), option(0.1)
    options, aim = (crew, fresh), goal()
    before, after = fleet_of(options, (3, 0), aim), fleet_of(options, (1, 1), aim)
    assert netted(options, before, after, aim).counts == (2, 0)
    assert netted(options, before, before, aim) is before
