"""Builds the package and its dependencies for another machine's architecture, with uv: no Docker, no network but PyPI."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import aws_cdk as cdk
import jsii

from infra.settings import REPOSITORY

PACKAGE = REPOSITORY / "layers" / "cloudpits"
CONSTRAINTS = REPOSITORY / "constraints.txt"
# Amazon Linux 2023 (instances and the Python 3.12+ functions) has glibc 2.34, so wheels up to manylinux_2_34 run.
_PLATFORMS = {"x86_64": "x86_64-manylinux_2_28", "arm64": "aarch64-manylinux_2_28"}
_TIMEOUT_S = 300


def _uv() -> str:
    beside = Path(sys.executable).with_name("uv")
    return str(beside) if beside.exists() else "uv"


def build_bundle(target: Path, architecture: str, python: str) -> None:
    """Install the package with its base dependencies into ``target``; RuntimeError carries uv's own words."""
    command = [_uv(), "pip", "install", "--quiet", "--target", str(target), "--python", sys.executable]
    command += ["--python-version", python, "--python-platform", _PLATFORMS[architecture], "--link-mode", "copy"]
    command += ["--only-binary", ":all:", "--no-binary", "cloudpits", "-c", str(CONSTRAINTS), str(PACKAGE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S)  # noqa: S603  # fixed words
    if done.returncode:
        raise RuntimeError(f"uv could not build the {architecture} bundle for Python {python}: {done.stderr.strip()}")


def source_digest(architecture: str, python: str) -> str:
    """SHA-256 over everything a bundle is made from: equal digests, equal bundles, so CDK builds each once."""
    digest = hashlib.sha256(f"{architecture} {python}".encode())
    sources = sorted(
        path for path in (PACKAGE / "src").rglob("*") if path.is_file() and "__pycache__" not in path.parts
    )
    for path in [PACKAGE / "pyproject.toml", CONSTRAINTS, *sources]:
        digest.update(f"{path.relative_to(REPOSITORY)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


@jsii.implements(cdk.ILocalBundling)
class UvBundling:
    """CDK's hook for building an asset on this machine."""

    def __init__(self, architecture: str, python: str, folder: str) -> None:
        self._architecture = architecture
        self._python = python
        self._folder = folder

    def try_bundle(self, output_dir: str, *_: object, **__: object) -> bool:
        """Build into ``output_dir``; raises on failure, for False would send CDK looking for Docker."""
        build_bundle(Path(output_dir) / self._folder, self._architecture, self._python)
        return True


def bundle_options(architecture: str, python: str, folder: str) -> dict[str, object]:
    """Keyword arguments that make ``PACKAGE`` an asset built for ``architecture``, its files under ``folder``."""
    return {
        "exclude": ["**/__pycache__", "**/*.pyc"],
        "asset_hash_type": cdk.AssetHashType.CUSTOM,
        "asset_hash": source_digest(architecture, python) + (f"-{folder}" if folder else ""),
        "bundling": cdk.BundlingOptions(
            image=cdk.DockerImage.from_registry("not-used"), local=UvBundling(architecture, python, folder)
        ),
    }
