"""Bundles are built on this machine for other processors, and carry working commands."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra import bundling
from infra.bundling import INSTANCE_PYTHON, agent_bundle, files_digest, install_package, migrator_code, package_layer

ELF_AARCH64 = 183
ARCHITECTURES = {"x86_64": "x86_64", "aarch64": "arm64"}


@pytest.fixture(scope="module")
def arm_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The agent's bundle for arm64, built once."""
    output = tmp_path_factory.mktemp("bundle")
    _build(agent_bundle("arm64"), output)
    return output


def _build(options: bundling.AssetOptions, output: Path) -> None:
    local = options["bundling"].local
    assert local is not None
    assert local.try_bundle(str(output), options["bundling"])


def _compiled(folder: Path) -> Iterator[int]:
    for path in folder.rglob("*.so"):
        yield int.from_bytes(path.read_bytes()[18:20], "little")


def test_compiled_dependencies_are_for_the_other_processor(arm_bundle: Path) -> None:
    machines = set(_compiled(arm_bundle))
    assert machines == {ELF_AARCH64}


def test_bundle_has_the_agent_and_not_the_command_lines_extras(arm_bundle: Path) -> None:
    packages = arm_bundle / f"lib/python{INSTANCE_PYTHON}/site-packages"
    assert (packages / "cloudpits/agents/main.py").exists()
    assert (packages / "boto3").is_dir()
    assert not (packages / "numpy").exists()
    assert not (packages / "bin").exists()  # scripts that name this machine's interpreter


@pytest.mark.skipif(f"{sys.version_info[0]}.{sys.version_info[1]}" != INSTANCE_PYTHON, reason="bundles are for 3.11")
def test_commands_run_in_an_environment_made_as_user_data_makes_it(tmp_path: Path) -> None:
    home = tmp_path / "cloudpits"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    _build(agent_bundle(ARCHITECTURES[platform.machine()]), home)
    for name in ("cloudpits-agent", "spits-jm", "spits-tm"):
        done = subprocess.run([home / "bin" / name, "--help"], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(f"usage: {name} ")


def test_layer_puts_packages_where_lambda_looks(tmp_path: Path) -> None:
    _build(package_layer("x86_64", "3.13"), tmp_path)
    assert (tmp_path / "python/cloudpits/bootstrap.py").exists()
    assert list((tmp_path / "python").glob("pydantic_core/*cpython-313-x86_64*.so"))


def test_migrator_finds_the_migrations_beside_its_code(tmp_path: Path) -> None:
    _build(migrator_code(), tmp_path)
    assert (tmp_path / "handler.py").exists()
    assert min(path.name for path in (tmp_path / "migrations").iterdir()).startswith("0001_")
    assert not (tmp_path / "events").exists()


def test_what_uv_says_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundling, "CONSTRAINTS", tmp_path / "absent.txt")
    with pytest.raises(RuntimeError, match=r"(?s)arm64 bundle for Python 3\.13: .*absent\.txt"):
        install_package(tmp_path / "out", "arm64", "3.13")


def test_equal_sources_are_built_once_and_other_targets_apart() -> None:
    def digest(options: bundling.AssetOptions) -> str:
        return options["asset_hash"]

    assert digest(agent_bundle("arm64")) == digest(agent_bundle("arm64"))
    others = [
        agent_bundle("arm64"),
        agent_bundle("x86_64"),
        package_layer("arm64", "3.13"),
        package_layer("arm64", "3.11"),
    ]
    assert len({digest(each) for each in others}) == len(others)


def test_a_digest_depends_on_names_and_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundling, "REPOSITORY", tmp_path)
    one, two = tmp_path / "1.sql", tmp_path / "2.sql"
    one.write_text("SELECT 1;", encoding="utf-8")
    two.write_text("SELECT 1;", encoding="utf-8")
    before = files_digest([one])
    assert before != files_digest([two])
    one.write_text("SELECT 2;", encoding="utf-8")
    assert before != files_digest([one])
