"""The experiment file: what is accepted, and the one line that bad input gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudpits.config.experiment import Experiment, load_experiment, parse_experiment
from cloudpits.domain.errors import InvalidInputError
from cloudpits.domain.model import Market, Mode

GOOD = """
name = "pi"
region = "us-east-1"
[program]
module = "libpi.so"
arguments = ["10", "4"]
[limits]
budget_usd = 2.0
deadline_hours = 3.0
[workers]
instance_types = ["c5.*"]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "e.toml"
    path.write_text(text, encoding="utf-8")
    return path


def complaint(folder: Path, text: str) -> str:
    with pytest.raises(InvalidInputError) as caught:
        load_experiment(written(folder, text))
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(folder / "e.toml"))
    return message.removeprefix(f"{folder / 'e.toml'}: ")


def loaded(folder: Path, text: str = GOOD) -> Experiment:
    return load_experiment(written(folder, text))


def test_a_minimal_file_gets_the_documented_defaults(tmp_path: Path) -> None:
    experiment = loaded(tmp_path)
    assert experiment.limits.mode is Mode.MIN_COST
    assert experiment.workers.markets == (Market.SPOT, Market.ON_DEMAND)
    assert experiment.job_manager.instance_type == "c5.large"
    assert experiment.rebalance.policy == "mpc"


def test_limits_reach_the_domain_in_its_units(tmp_path: Path) -> None:
    limits = loaded(tmp_path).domain_limits()
    assert (limits.budget_usd, limits.deadline_s, limits.max_workers) == (2.0, 3 * 3600.0, 20)


def test_the_volume_is_charged_per_hour(tmp_path: Path) -> None:
    settings = loaded(tmp_path).domain_settings()
    assert settings.volume_usd_per_hour == pytest.approx(20 * 0.08 / 730)
    assert settings.interval_s == 300.0


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("budget_usd = 2.0", "budget_usd = -2.0", "limits.budget_usd: Input should be greater than 0 (given: -2.0)"),
        ("budget_usd = 2.0", "budget_usd = 0", "limits.budget_usd: Input should be greater than 0 (given: 0)"),
        ("budget_usd = 2.0", "budget_usd = nan", "limits.budget_usd: Input should be a finite number (given: nan)"),
        ("budget_usd = 2.0", 'budget_usd = "two"', "limits.budget_usd: Input should be a valid number"),
        ("budget_usd = 2.0", "budget = 2.0", "limits.budget: unknown field; remove it or correct its spelling"),
        ('name = "pi"', "", "name: is required; add it"),
        ('name = "pi"', 'name = "Pi!"', "name: String should match pattern"),
        ('"us-east-1"', '"Virginia"', "region: String should match pattern"),
        ('["c5.*"]', "[]", "workers.instance_types: Tuple should have at least 1 item"),
        ('["c5.*"]', '["c5"]', "workers.instance_types.0: String should match pattern"),
        ("budget_usd = 2.0", 'mode = "cheap"', "limits.mode: Input should be 'min-cost' or 'fastest'"),
    ],
)
def test_bad_fields_are_named_with_what_is_accepted(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert complaint(tmp_path, GOOD.replace(old, new)).startswith(expected)


def test_without_any_limit_nothing_is_accepted(tmp_path: Path) -> None:
    text = GOOD.replace("budget_usd = 2.0", "").replace("deadline_hours = 3.0", "")
    assert complaint(tmp_path, text) == "limits: give budget_usd, deadline_hours or both"


def test_fastest_needs_a_budget(tmp_path: Path) -> None:
    text = GOOD.replace("budget_usd = 2.0", 'mode = "fastest"')
    assert complaint(tmp_path, text) == "limits: mode 'fastest' needs budget_usd"


def test_a_missing_file_says_where_an_example_is(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"none\.toml: no such experiment file; see examples/experiments/"):
        load_experiment(tmp_path / "none.toml")


def test_malformed_toml_names_the_line(tmp_path: Path) -> None:
    assert "line 2" in complaint(tmp_path, "\nname = \n")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "e.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInputError, match="cannot be read"):
        load_experiment(path)


def test_several_problems_are_counted(tmp_path: Path) -> None:
    assert complaint(tmp_path, GOOD.replace('name = "pi"', "nam = 1")).endswith("[and 1 more]")


def test_a_module_per_architecture_is_found_by_architecture(tmp_path: Path) -> None:
    program = loaded(tmp_path, GOOD.replace('"libpi.so"', '{x86_64 = "a.so"}')).program
    assert (program.module_for("x86_64"), program.module_for("arm64")) == ("a.so", None)


def test_the_program_digest_depends_on_module_arguments_and_data(tmp_path: Path) -> None:
    one, other = loaded(tmp_path), loaded(tmp_path, GOOD.replace('"10"', '"11"'))
    digests = {
        one.program_digest("m", None),
        one.program_digest("m2", None),
        one.program_digest("m", "d"),
        other.program_digest("m", None),
    }
    assert len(digests) == 4
    assert one.program_digest("m", None) == loaded(tmp_path).program_digest("m", None)


def test_the_example_is_a_valid_experiment() -> None:
    root = Path(__file__).resolve().parents[3]
    assert load_experiment(root / "examples/experiments/pi.toml").name == "pi"


def test_parsing_names_its_source() -> None:
    with pytest.raises(InvalidInputError, match=r"^environment: name: is required"):
        parse_experiment({}, "environment")
