"""What the application is told: the experiment file and the context, checked before anything is synthesised."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cloudpits.config.errors import InvalidInputError
from cloudpits.config.stacks import experiment_stack
from infra.settings import Settings, load_target, read_settings


def test_defaults_are_for_aws() -> None:
    settings = read_settings({})
    assert (settings.experiment, settings.lambda_python, settings.lambda_architecture) == (None, "3.13", "arm64")


def test_context_of_the_command_line_is_text() -> None:
    settings = read_settings({"zones": "2", "interface_endpoints": "true", "lambda_python": "3.11"})
    assert (settings.zones, settings.interface_endpoints, settings.lambda_python) == (2, True, "3.11")


def test_empty_values_count_as_not_given() -> None:
    assert read_settings({"experiment": "", "run": None}) == Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [("zones", "1"), ("lambda_python", "2.7"), ("lambda_architecture", "mips"), ("run", "../x"), ("test_events", "?")],
)
def test_a_wrong_value_is_named_in_one_line(name: str, value: str) -> None:
    with pytest.raises(InvalidInputError, match=rf"^context: {name}: .*-c name=value$") as raised:
        read_settings({name: value})
    assert "\n" not in str(raised.value)


def test_without_an_experiment_there_is_no_target() -> None:
    assert load_target(Settings()) is None


def test_run_is_named_after_the_program_unless_given(experiment_file: Path) -> None:
    target = load_target(Settings(experiment=experiment_file))
    assert target is not None
    assert target.run == f"demo-{target.program_digest[:8]}"
    assert target.run_prefix == f"runs/{target.run}/"
    named = load_target(Settings(experiment=experiment_file, run="second"))
    assert named is not None
    assert named.run == "second"
    assert experiment_stack("demo") == "CloudPits-demo"


def test_a_missing_module_is_named_with_file_and_field(tmp_path: Path, experiment_file: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text(
        experiment_file.read_text(encoding="utf-8").replace("libdemo-arm.so", "gone.so"), encoding="utf-8"
    )
    with pytest.raises(InvalidInputError, match=r"broken\.toml: program\.module\.arm64: no such file: .*gone\.so"):
        load_target(Settings(experiment=broken))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("max_workers", "max_worker"), None),
        (('instance_types = ["c5.*", "c7g.*"]', "instance_types = []"), "workers.instance_types"),
        (("budget_usd = 2.0", "budget_usd = -1"), "limits.budget_usd"),
    ],
)
def test_a_bad_experiment_ends_synthesis_with_one_line(
    tmp_path: Path, experiment_file: Path, change: tuple[str, str], problem: str | None
) -> None:
    text = experiment_file.read_text(encoding="utf-8")
    broken = tmp_path / "broken.toml"
    broken.write_text(text.replace(*change) if problem else text + "\n[limit]\nx = 1\n", encoding="utf-8")
    done = _app(experiment=str(broken))
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith(f"cloudpits: {broken}: {problem or 'limit'}: ")
    assert (done.returncode, done.stdout) == (2, "")


def _app(**context: str) -> subprocess.CompletedProcess[str]:
    repository = Path(__file__).parents[2]
    words = "{" + ", ".join(f'"{name}": "{value}"' for name, value in context.items()) + "}"
    environment = {**os.environ, "CDK_CONTEXT_JSON": words}
    return subprocess.run(
        [sys.executable, "app.py"], cwd=repository, env=environment, capture_output=True, text=True, check=False
    )


def test_job_manager_must_be_of_an_architecture_the_module_is_built_for(
    tmp_path: Path, experiment_file: Path, synthesise: Callable[..., Any]
) -> None:
    text = experiment_file.read_text(encoding="utf-8").replace(
        "[workers]", '[job_manager]\ninstance_type = "c5.large"\n[workers]'
    )
    broken = tmp_path / "arm.toml"
    broken.write_text(
        text.replace('x86_64 = "', 'arm64 = "', 1)
        .replace("libdemo.so", "libdemo-arm.so", 1)
        .replace(f', arm64 = "{experiment_file.parent}/libdemo-arm.so"', ""),
        encoding="utf-8",
    )
    with pytest.raises(InvalidInputError, match=r"job_manager\.instance_type: c5\.large is x86_64, but .* arm64 only"):
        synthesise(experiment=str(broken))


@pytest.mark.parametrize(
    ("length", "where"), [(15_000, "an instance's user data"), (3_000, "a function's environment")]
)
def test_arguments_that_overflow_what_aws_allows_are_refused(
    tmp_path: Path, experiment_file: Path, synthesise: Callable[..., Any], length: int, where: str
) -> None:
    broken = tmp_path / "long.toml"
    broken.write_text(
        experiment_file.read_text(encoding="utf-8").replace('["1000", "40"]', f'["{"9" * length}"]'), encoding="utf-8"
    )
    with pytest.raises(InvalidInputError, match=rf"program\.arguments: too long for {where}"):
        synthesise(experiment=str(broken))
