import io
from collections import Counter

from rich.console import Console

from cloudpits.domain.model import Market, Pool
from cloudpits.domain.ports import DecisionRecord, Progress, RunRecord
from cloudpits.local.live import LiveView, PlainView, make_view, summary
from cloudpits.local.state import RunState

POOL = Pool("c5.large", "us-east-1a", Market.SPOT)
LAUNCH = DecisionRecord(1_615_377_600.0, "launch", "it is cheap", 0.1, POOL)
KEEP = DecisionRecord(1_615_377_900.0, "keep", "no change pays", 0.0)


def state(
    committed: int = 80, decisions: tuple[DecisionRecord, ...] = (LAUNCH, KEEP), status: str = "running"
) -> RunState:
    fleet = Counter({("worker-spot", "c5.large", "us-east-1a", "spot"): 2}) if status == "running" else Counter()
    return RunState(
        record=RunRecord("r", "pi", "p", status, 1_615_377_600.0, budget_usd=2.0, spent_usd=0.1234),
        progress=Progress(320, committed, "running", 1_615_378_600.0),
        decisions=decisions,
        fleet=fleet,
    )


def shown(view_of: type[PlainView] | type[LiveView], *states: RunState) -> str:
    screen = io.StringIO()
    view = view_of(Console(file=screen, width=120, force_terminal=view_of is LiveView))
    with view:
        for each in states:
            view.show(each)
        view.event("interruption notice to i-1")
        view.show(states[-1])
    return screen.getvalue()


def test_a_summary_says_tasks_money_and_fleet() -> None:
    assert summary(state()) == "80/320 tasks, 0.1234 USD spent of 2.00, 2 instances"


def test_a_run_without_books_or_progress_can_be_summed_up() -> None:
    assert summary(RunState(None, None, (), Counter())) == "no tasks yet, 0 instances"


def test_a_run_has_ended_when_it_is_closed_and_nothing_runs() -> None:
    assert not state().ended
    assert state(status="completed").ended
    assert not RunState(None, None, (), Counter()).ended


def test_plain_lines_tell_each_decision_once_and_not_what_stays() -> None:
    text = shown(PlainView, state(), state())

    assert text.count("12:00 launch c5.large us-east-1a spot: it is cheap") == 1
    assert "no change pays" not in text
    assert "interruption notice to i-1" in text


def test_the_live_view_shows_progress_fleet_and_decisions() -> None:
    text = shown(LiveView, state())

    assert "80/320 tasks" in text
    assert "0.080 tasks/s, about 50 market minutes left" in text
    assert "worker-spot" in text
    assert "it is cheap" in text


def test_a_pipe_gets_plain_lines() -> None:
    assert isinstance(make_view(Console(file=io.StringIO())), PlainView)
    assert isinstance(make_view(Console(file=io.StringIO(), force_terminal=True)), LiveView)
