"""The experiment file: what is accepted, and the one line that bad input gets."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from cloudpits.config.experiment import (
    Experiment,
    Section,
    load_experiment,
    parse_experiment,
)
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


ANY = "…"  # what follows does not matter


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


def numbers_of(section: str) -> list[tuple[str, str]]:
    """The fields of a table of the file that take a number."""
    kind = Experiment.model_fields[section].annotation
    assert isinstance(kind, type)
    assert issubclass(kind, Section)
    fields = kind.model_json_schema()["properties"]
    kinds = {name: [part.get("type") for part in (field, *field.get("anyOf", ()))] for name, field in fields.items()}
    return [(section, name) for name, types in kinds.items() if {"integer", "number"} & set(types)]


NUMBERS = [
    field for section in ("program", "limits", "workers", "job_manager", "rebalance") for field in numbers_of(section)
]


def changed(section: str, field: str, value: object) -> dict[str, Any]:
    document = tomllib.loads(GOOD)
    document.setdefault(section, {})[field] = value
    return document


def refusal(section: str, field: str, value: object) -> str:
    with pytest.raises(InvalidInputError) as caught:
        parse_experiment(changed(section, field, value), "e.toml")
    return str(caught.value)


@pytest.mark.parametrize(("section", "field"), NUMBERS)
@pytest.mark.parametrize(("value", "told"), [(True, "(given: True)"), ("9", "(given: '9')"), (10**30, ""), ([9], "")])
def test_a_number_is_a_number_within_reason(section: str, field: str, value: object, told: str) -> None:
    message = refusal(section, field, value)
    assert message.startswith(f"e.toml: {section}.{field}: Input should be ")
    assert message.endswith(told)


def test_every_table_has_numbers_to_try() -> None:
    assert len(NUMBERS) == 18


def test_a_whole_number_of_dollars_is_one() -> None:
    assert parse_experiment(changed("limits", "budget_usd", 2), "e.toml").limits.budget_usd == 2.0


@pytest.mark.parametrize("value", ["yes", 1])
def test_a_switch_is_true_or_false(value: object) -> None:
    assert refusal("program", "shared_secret", value).startswith("e.toml: program.shared_secret: Input should be a val")


@pytest.mark.parametrize(
    ("section", "field", "value", "told"),
    [
        ("program", "arguments", [10], "program.arguments.0: must be text, in quotes (given: 10)"),
        ("program", "arguments", "10", "program.arguments: must be a list, in brackets (given: '10')"),
        ("program", "libraries", [""], "program.libraries.0: String should have at least 1 character (given: '')"),
        ("data", "path", "", "data.path: String should have at least 1 character (given: '')"),
        ("data", "path", 7, "data.path: must be text, in quotes (given: 7)"),
        ("job_manager", "instance_type", "", "job_manager.instance_type: String should match pattern"),
        ("workers", "instance_types", ["c" * 5000], f"workers.instance_types.0: String should match pattern {ANY}"),
    ],
)
def test_text_is_text(section: str, field: str, value: object, told: str) -> None:
    message = refusal(section, field, value)
    assert message.startswith(f"e.toml: {told.removesuffix(ANY)}")
    assert len(message) < 250


@pytest.mark.parametrize("value", [7, True, "", " ", [], {}, {"x86_64": 7}, {"arm": "a.so"}, {"x86_64": ""}])
def test_a_module_is_a_file_or_a_table_of_files(value: object) -> None:
    assert refusal("program", "module", value).startswith(
        "e.toml: program.module: give a path or s3:// address in quot"
    )


def test_a_section_is_a_table() -> None:
    document = tomllib.loads(GOOD) | {"limits": 2.0}
    with pytest.raises(InvalidInputError, match=r"^e\.toml: limits: must be a table of fields \(given: 2\.0\)$"):
        parse_experiment(document, "e.toml")


def test_without_any_limit_nothing_is_accepted(tmp_path: Path) -> None:
    text = GOOD.replace("budget_usd = 2.0", "").replace("deadline_hours = 3.0", "")
    assert complaint(tmp_path, text) == "limits: give budget_usd, deadline_hours or both"


def test_fastest_needs_a_budget(tmp_path: Path) -> None:
    text = GOOD.replace("budget_usd = 2.0", 'mode = "fastest"')
    assert complaint(tmp_path, text) == "limits: mode 'fastest' needs budget_usd"


def test_a_missing_file_says_where_an_example_is(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"none\.toml: no such experiment file; see examples/experiments/"):
        load_experiment(tmp_path / "none.toml")


def test_a_folder_is_no_experiment_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="cannot be read: Is a directory; give a TOML file"):
        load_experiment(tmp_path)


@pytest.mark.parametrize("text", ["x = " + "9" * 5000, "x = " + "[" * 5000], ids=["endless number", "bottomless list"])
def test_what_no_toml_reader_bears_is_not_valid(text: str, tmp_path: Path) -> None:
    assert complaint(tmp_path, text).startswith("not valid TOML: ")


def test_malformed_toml_names_the_line(tmp_path: Path) -> None:
    assert "line 2" in complaint(tmp_path, "\nname = \n")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "e.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInputError, match="cannot be read"):
        load_experiment(path)


def test_several_problems_are_counted(tmp_path: Path) -> None:
    assert complaint(tmp_path, GOOD.replace('name = "pi"', "nam = 1")).endswith("[and 1 more]")


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
