"""Snapshots that are odd but legal are decided upon, by every policy, without an exception."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from cloudpits.domain.commands import Launch, Replace
from cloudpits.domain.decision import decide
from cloudpits.domain.model import Interruptions, Mode, Offer, RateSample, Settings, Snapshot, Worker, WorkerState
from cloudpits.domain.planning.front import plan
from cloudpits.domain.policies import registry
from tests.unit.domain.worlds import ALL_OFFERS, NOW, TYPES, on_demand, spot, under_way, worker

POOLS = [*sorted(ALL_OFFERS), spot("x9.unknown"), on_demand("x9.unknown")]
ANY = st.floats(allow_nan=True, allow_infinity=True)
SCALES = st.sampled_from([1e-12, 1e-3, 1.0, 1e6, 1e12])
MEMORIES = st.dictionaries(
    st.sampled_from(["taken", "probed", "explored_usd", "certified", "on_demand", "below", "weak"]),
    st.one_of(st.none(), st.booleans(), st.integers(), ANY, st.text(max_size=3), st.lists(st.integers(), max_size=2)),
)


@st.composite
def crews(draw: st.DrawFn) -> tuple[Worker, ...]:
    def one(number: int) -> Worker:
        made = worker(f"i-{number}", draw(st.sampled_from(POOLS)), draw(st.sampled_from([0.0, 95.0, 1e7])))
        if made.report is not None:
            made = made._replace(report=made.report._replace(perf_sec=draw(ANY), perf_sec_stdev=draw(ANY)))
        state = draw(st.sampled_from([made.state, WorkerState.DRAINING]))
        return made._replace(state=state, replaces=draw(st.sampled_from([None, "i-0", "i-gone"])))

    return tuple(one(number) for number in range(draw(st.integers(0, 6))))


@st.composite
def odd_offers(draw: st.DrawFn) -> list[Offer]:
    price = st.one_of(ANY, st.floats(0.01, 1.0))
    return [
        Offer(pool, draw(price), draw(price), 0.1, draw(st.sampled_from([None, 0, 1])), draw(st.booleans()))
        for pool in draw(st.lists(st.sampled_from(POOLS), max_size=5, unique=True))
    ]


@st.composite
def odd_snapshots(draw: st.DrawFn) -> Snapshot:
    scale = draw(SCALES)
    return under_way(
        draw(crews()),
        tasks=draw(st.sampled_from([0, 1, 50, 10**6, 10**15])),
        committed=draw(st.sampled_from([0, 1, 50])),
        mode=draw(st.sampled_from(list(Mode))),
        budget=draw(st.sampled_from([None, 0.0, 1e-9, 0.04, 3.0, 1e12])),
        deadline_s=draw(st.sampled_from([None, 0.0, 1.0, 1800.0, 1e12])),
        workers=draw(st.sampled_from([1, 2, 20, 10**6])),
        quota=draw(st.sampled_from([None, 0, 1, 4, 40])),
        offers={offer.pool: offer for offer in draw(odd_offers())},
        types=draw(st.sampled_from([TYPES, {}, {"c5.large": TYPES["c5.large"]}])),
        history=tuple(RateSample(name, scale, draw(ANY), 5) for name in draw(st.sets(st.sampled_from(sorted(TYPES))))),
        measured=draw(
            st.sampled_from([(), (RateSample("c5.large", 1.0, 0.1, 3), RateSample("x9.unknown", 1.0, 0.0, 1))])
        ),
        interruptions=(Interruptions("c5.large", 3, draw(st.sampled_from([0.0, 1e9]))),),
        start_up_samples=draw(st.sampled_from([(), (1e9,), (0.0, 90.0)])),
        settings=draw(st.sampled_from([Settings(), Settings(start_up_s=0.0, shutdown_s=0.0, drain_grace_s=0.0)])),
    )


@given(state=odd_snapshots(), name=st.sampled_from(registry.NAMES))
@settings(max_examples=80)
def test_every_policy_decides_and_launches_only_what_is_offered(state: Snapshot, name: str) -> None:
    decided = decide(state, registry.get(name), NOW)
    for command in decided.commands:
        assert command.reason
        if isinstance(command, Launch | Replace):
            assert state.offers[command.pool].available


@given(state=odd_snapshots(), memory=MEMORIES)
@settings(max_examples=40)
def test_no_memory_confuses_the_default_policy(state: Snapshot, memory: dict[str, object]) -> None:
    first = decide(replace(state, memory=memory), registry.get("mpc"), NOW)
    again = decide(replace(state, memory=first.memory), registry.get("mpc"), NOW)
    assert all(command.reason for command in (*first.commands, *again.commands))


@given(state=odd_snapshots())
@settings(max_examples=20)
def test_a_front_is_drawn_of_anything(state: Snapshot) -> None:
    assert plan(state).reasons
