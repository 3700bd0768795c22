"""What the shell sees: exit codes, one line of complaint, JSON alone on stdout."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cloudpits.cli.main import main
from cloudpits.cli.planning import shown_points
from cloudpits.domain.planning.front import FrontPoint, PlannedFront

EXPERIMENT = """
name = "bag"
region = "us-east-1"
[program]
module = "not-built-yet.so"
tasks_total = {tasks}
[limits]
budget_usd = {budget}
deadline_hours = {hours}
max_workers = 8
[workers]
instance_types = ["c5.*", "m5.*"]
"""
RATES = """instance_type,rate_mean,rate_stdev,samples
c5.large,0.10,0.004,5
c5.xlarge,0.21,0.009,5
m5.large,0.09,0.004,5
"""


@pytest.fixture(autouse=True)
def _no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "CLOUDPITS_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")


def experiment(folder: Path, budget: float = 2.0, hours: float = 5.0, tasks: int = 2000) -> str:
    path = folder / "bag.toml"
    path.write_text(EXPERIMENT.format(budget=budget, hours=hours, tasks=tasks), encoding="utf-8")
    (folder / "rates.csv").write_text(RATES, encoding="utf-8")
    return str(path)


def code_of(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(list(arguments))
    return int(caught.value.code or 0)


def plan(folder: Path, *options: str, **limits: float) -> int:
    path = experiment(folder, **limits)  # type: ignore[arg-type]  # whole numbers where they are asked for
    return code_of("plan", path, "--performance", str(folder / "rates.csv"), *options)


def test_plan_prints_one_json_document_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert plan(tmp_path, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["feasible"] is True
    assert document["tasks_total"] == 2000
    assert document["chosen"]["cost_usd"] <= 2.0
    assert document["chosen"]["makespan_s"] <= 5 * 3600
    assert sum(pool["count"] for pool in document["chosen"]["pool"]) <= 8


def test_the_front_is_monotone_and_undominated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert plan(tmp_path, "--json") == 0
    front = json.loads(capsys.readouterr().out)["front"]
    times = [point["makespan_s"] for point in front]
    costs = [point["cost_usd"] for point in front]
    assert len(front) > 1
    assert times == sorted(times)
    assert costs == sorted(costs, reverse=True)


def test_the_plan_says_what_its_prices_rest_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert plan(tmp_path) == 0
    told = " ".join(capsys.readouterr().err.split())
    assert "estimated from the savings that Spot Advisor published" in told
    assert "measured rates of 3 of the" in told
    assert "the others' are estimated from what was measured" in told


def test_a_plan_on_a_log_says_its_days_and_that_it_has_no_spot_price(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "log.tsv"
    log.write_text("2021-03-02T00:00:00Z\tus-east-1\tus-east-1a\tx1.32xlarge\tLinux/UNIX\t4.00\n", encoding="utf-8")
    assert plan(tmp_path, "--prices", str(log), "--json") == 0
    reasons = json.loads(capsys.readouterr().out)["reasons"]
    assert "recorded prices from 2021-03-02 to 2021-03-02" in reasons
    assert "no spot price is known for any of these instance types: planned without spot" in reasons


def test_the_table_shows_about_twelve_points_and_the_chosen_one() -> None:
    points = [FrontPoint(60.0 * i, 100.0 - i, ()) for i in range(1, 41)]
    points += [FrontPoint(3000.0, 10.0, ()), FrontPoint(3000.2, 9.0, ())]
    shown = shown_points(PlannedFront(tuple(points), points[18], (), None, None))
    assert shown[0] == points[0]
    assert points[18] in shown
    assert shown[-1].cost_usd == 9.0
    assert points[-2] not in shown  # it reads as long as the last, which is cheaper
    assert 8 <= len(shown) <= 14


def test_an_infeasible_budget_exits_3_and_names_the_cheapest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plan(tmp_path, "--json", budget=0.01) == 3
    told = capsys.readouterr()
    document = json.loads(told.out)
    assert document["feasible"] is False
    assert document["chosen"] is None
    assert document["cheapest_budget_usd"] > 0.01
    assert "the cheapest feasible budget_usd is" in told.err


def test_the_cheapest_feasible_budget_is_feasible(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan(tmp_path, "--json", budget=0.01)
    cheapest = json.loads(capsys.readouterr().out)["cheapest_budget_usd"]
    assert plan(tmp_path, "--json", budget=cheapest * 1.001) == 0


def test_an_infeasible_deadline_exits_3_and_names_the_fastest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plan(tmp_path, "--json", hours=0.01) == 3
    assert "the fastest feasible deadline_hours is" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["plan"], "Missing argument 'EXPERIMENT'"),
        (["plan", "none.toml"], "none.toml: no such experiment file"),
        (["run", "none.toml"], "say --local"),
        (["report", "none.json"], "none.json: cannot be read"),
        (["report", "some-run"], "CLOUDPITS_DATABASE_URL: is not set"),
        (["history"], "CLOUDPITS_DATABASE_URL: is not set"),
        (["run", "x.toml", "--local", "--time-scale", "0"], "--time-scale"),
    ],
)
def test_bad_usage_exits_2_with_one_line(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code_of(*arguments) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert complaint in told.err
    assert len(told.err.strip().splitlines()) == 1


def test_no_processes_at_all_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of("simulate", experiment(tmp_path), "--prices", "x", "--jobs", "0") == 2
    assert "--jobs: 0 processes" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["plan", "simulate", "compare"])
@pytest.mark.parametrize("report", [".", "nowhere/report.html"])
def test_a_report_that_cannot_be_written_is_told_before_the_work(
    command: str, report: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / report)
    assert code_of(command, experiment(tmp_path), "--prices", "gone.tsv", "--report", path) == 2
    assert f"--report: {Path(path)} cannot be written" in capsys.readouterr().err


def test_more_processes_than_the_machine_bears_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of("simulate", experiment(tmp_path), "--prices", "x", "--jobs", "100000") == 2
    assert "--jobs: 100000 processes would choke this machine; give at most" in capsys.readouterr().err


@pytest.mark.parametrize("budgets", ["0", "-1", "nan", "inf", "1,,2", "abc", "", "1e308"])
def test_bad_budgets_are_named(budgets: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of("simulate", experiment(tmp_path), "--prices", "x", "--budgets", budgets) == 2
    assert "--budgets" in capsys.readouterr().err


def test_an_unknown_policy_lists_the_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of("compare", experiment(tmp_path), "--prices", "x", "--policies", "magic") == 2
    assert "threshold-2019" in capsys.readouterr().err


def test_policies_may_be_separated_by_comma_and_space(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of("compare", experiment(tmp_path), "--prices", "gone.tsv", "--policies", "mpc, static-best") == 2
    assert "gone.tsv: no such price log" in capsys.readouterr().err


def test_an_unknown_policy_for_simulate_names_the_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of("simulate", experiment(tmp_path), "--prices", "x", "--policy", "all") == 2
    assert "--policy: 'all' is unknown; give one of mpc" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("field", "wrong", "complaint"),
    [
        (
            'region = "us-east-1"',
            'region = "us-east-9"',
            "bag.toml: workers.instance_types: no instance type in us-east-9",
        ),
        (
            "max_workers = 8",
            "max_workers = 8\nvcpu_quota = 1",
            "bag.toml: limits.vcpu_quota: 1 admits no worker; the smallest, ",
        ),
        (
            "max_workers = 8",
            'max_workers = 8\n[rebalance]\npolicy = "magic"',
            "bag.toml: rebalance.policy: choose one of",
        ),
        (
            "[workers]",
            '[workers]\navailability_zones = ["us-east-1x"]',
            "bag.toml: workers.availability_zones: no matching type is offered in us-east-1x",
        ),
        (
            "[workers]",
            '[workers]\navailability_zones = ["eu-west-1a"]',
            "bag.toml: workers.availability_zones: 'eu-west-1a' is not in us-east-1",
        ),
    ],
)
def test_a_wrong_field_is_named_with_its_file(
    field: str, wrong: str, complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path(experiment(tmp_path))
    path.write_text(path.read_text(encoding="utf-8").replace(field, wrong), encoding="utf-8")
    assert code_of("plan", str(path)) == 2
    told = capsys.readouterr().err
    assert complaint in told
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize("table", [[], ["--performance", "none"]])
def test_a_workload_needs_a_table(table: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of("plan", experiment(tmp_path), *table, "--workload", "ep") == 2
    assert "--workload: ep needs the table that measured it" in capsys.readouterr().err


def test_nothing_typed_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of() == 2
    assert "Commands:" in capsys.readouterr().err


def test_deploy_without_a_terminal_needs_yes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = experiment(tmp_path)
    assert code_of("deploy", path, "--performance", str(tmp_path / "rates.csv")) == 2
    assert "--yes" in capsys.readouterr().err


def test_an_unexpected_failure_is_a_defect_of_ours(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("boom")

    monkeypatch.setattr("cloudpits.cli.planning.load_experiment", broken)
    assert code_of("plan", experiment(tmp_path)) == 1
    assert "defect: ZeroDivisionError: boom" in capsys.readouterr().err
