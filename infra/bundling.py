"""Builds what is uploaded on this machine: the package for other architectures with uv, without Docker."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypedDict

import aws_cdk as cdk
import jsii

from infra.settings import REPOSITORY

PACKAGE = REPOSITORY / "layers" / "cloudpits"
CONSTRAINTS = REPOSITORY / "constraints.txt"
LAMBDAS = REPOSITORY / "lambdas"
MIGRATIONS = REPOSITORY / "databases" / "migrations"
INSTANCE_PYTHON = "3.11"  # what Amazon Linux 2023 has beside its system Python
_PLATFORMS = {"x86_64": "x86_64-manylinux_2_28", "arm64": "aarch64-manylinux_2_28"}  # Amazon Linux 2023: glibc 2.34
_TIMEOUT_S = 300
_LAUNCHER = """#!/bin/sh
exec "$(dirname "$0")/python" -c 'import sys; from {module} import {function}; sys.exit({function}())' "$@"
"""


class AssetOptions(TypedDict):
    """Keyword arguments common to CDK's assets."""

    exclude: list[str]
    asset_hash_type: cdk.AssetHashType
    asset_hash: str
    bundling: cdk.BundlingOptions


@jsii.implements(cdk.ILocalBundling)
class _OnThisMachine:
    """CDK's hook for building an asset without Docker."""

    def __init__(self, build: Callable[[Path], None]) -> None:
        self._build = build

    def try_bundle(self, output_dir: str, *_: object, **__: object) -> bool:
        """Build into ``output_dir``; raises on failure, for False would send CDK looking for Docker."""
        self._build(Path(output_dir))
        return True


def package_layer(architecture: str, python: str) -> AssetOptions:
    """The package as a Lambda layer."""
    return _asset(
        f"layer {architecture} {python}",
        _package_sources(),
        lambda output: install_package(output / "python", architecture, python),
    )


def agent_bundle(architecture: str) -> AssetOptions:
    """The package laid out as a virtual environment of an instance, its commands included."""

    def build(output: Path) -> None:
        install_package(output / f"lib/python{INSTANCE_PYTHON}/site-packages", architecture, INSTANCE_PYTHON)
        write_launchers(output / "bin")

    return _asset(f"agent {architecture}", _package_sources(), build)


def migrator_code() -> AssetOptions:
    """The migrator's code with the migrations beside it, in ``migrations/``."""

    def build(output: Path) -> None:
        shutil.copytree(LAMBDAS / "migrator", output, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*UNWANTED))
        shutil.copytree(MIGRATIONS, output / "migrations")

    return _asset("migrator", [*_files(LAMBDAS / "migrator"), *_files(MIGRATIONS)], build)


def install_package(target: Path, architecture: str, python: str) -> None:
    """Install the package with its base dependencies into ``target``; RuntimeError carries uv's own words."""
    beside = Path(sys.executable).with_name("uv")
    command = [str(beside) if beside.exists() else "uv", "pip", "install", "--quiet", "--link-mode", "copy"]
    command += ["--system-certs", "--target", str(target), "--python", sys.executable]
    command += ["--python-version", python, "--python-platform", _PLATFORMS[architecture]]
    command += ["--only-binary", ":all:", "--no-binary", "cloudpits", "-c", str(CONSTRAINTS), str(PACKAGE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S)  # noqa: S603  # fixed words
    if done.returncode:
        raise RuntimeError(f"uv could not build the {architecture} bundle for Python {python}: {done.stderr.strip()}")
    shutil.rmtree(target / "bin", ignore_errors=True)  # commands that name this machine's interpreter


def write_launchers(folder: Path) -> None:
    """The package's commands, for whichever interpreter lies beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    scripts = tomllib.loads((PACKAGE / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    for name, entry in scripts.items():
        module, _, function = entry.partition(":")
        launcher = folder / name
        launcher.write_text(_LAUNCHER.format(module=module, function=function), encoding="utf-8")
        launcher.chmod(0o755)


UNWANTED = ["events", "__pycache__", "*.pyc"]


def files_digest(paths: Iterable[Path], salt: str = "") -> str:
    """SHA-256 (hex) over names and bytes of files of this repository."""
    digest = hashlib.sha256(salt.encode())
    for path in paths:
        digest.update(f"\0{path.relative_to(REPOSITORY)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def _package_sources() -> list[Path]:
    return [PACKAGE / "pyproject.toml", CONSTRAINTS, *_files(PACKAGE / "src")]


def _asset(what: str, sources: Iterable[Path], build: Callable[[Path], None]) -> AssetOptions:
    """Equal sources give an equal hash, and CDK builds each hash once."""
    return {
        "exclude": UNWANTED,
        "asset_hash_type": cdk.AssetHashType.CUSTOM,
        "asset_hash": files_digest(sources, what),
        "bundling": cdk.BundlingOptions(image=cdk.DockerImage.from_registry("not-used"), local=_OnThisMachine(build)),
    }
