"""The application is synthesised once per session (starting CDK takes seconds); its templates are read-only."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
ELF_HEADERS = {"x86_64": 62, "arm64": 183}  # e_machine, elf.h
EXPERIMENT = """
name = "demo"
region = "us-east-1"
notify_email = "owner@example.org"
[program]
module = {{x86_64 = "{folder}/libdemo.so", arm64 = "{folder}/libdemo-arm.so"}}
arguments = ["1000", "40"]
tasks_total = 40
libraries = ["{folder}/libhelper.so.1"]
[data]
path = "{folder}/input.bin"
[limits]
budget_usd = 2.0
deadline_hours = 3.0
[workers]
instance_types = ["c5.*", "c7g.*"]
volume_gib = 30
[rebalance]
interval_minutes = 7
metrics_seconds = 45
"""


@dataclass(frozen=True)
class Stack:
    """A synthesised stack's template, with the look-ups that tests need."""

    template: Mapping[str, Any]

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Logical id → properties of all resources of a type."""
        found = self.template["Resources"].items()
        return {name: resource.get("Properties", {}) for name, resource in found if resource["Type"] == kind}

    def only(self, kind: str) -> dict[str, Any]:
        """Properties of the one resource of a type."""
        found = list(self.of_type(kind).values())
        assert len(found) == 1, f"{len(found)} × {kind}"
        return found[0]

    def named(self, kind: str, part: str) -> dict[str, Any]:
        """Properties of the one resource of a type whose logical id contains ``part``."""
        found = [properties for name, properties in self.of_type(kind).items() if part in name]
        assert len(found) == 1, f"{len(found)} × {kind} with {part}"
        return found[0]


@dataclass(frozen=True)
class Assembly:
    """What one synthesis wrote."""

    folder: Path
    shared: Stack
    experiment: Stack


def plain(value: Any) -> Any:
    """A template's value as text, references shown as ``<what>`` and joins joined."""
    if isinstance(value, list):
        return [plain(each) for each in value]
    if not isinstance(value, dict):
        return value
    (kind, inner), *more = value.items() or [("", None)]
    if more or kind not in _INTRINSICS:
        return {name: plain(each) for name, each in value.items()}
    return _INTRINSICS[kind](inner)


_INTRINSICS: dict[str, Callable[[Any], Any]] = {
    "Fn::Join": lambda inner: inner[0].join(str(plain(part)) for part in inner[1]),
    "Fn::Sub": str,
    "Fn::Base64": plain,
    "Fn::GetAtt": lambda inner: f"<{'.'.join(inner)}>",
    "Fn::ImportValue": "<{}>".format,
    "Ref": "<{}>".format,
}


def elf(architecture: str) -> bytes:
    """The first bytes of a compiled module, as far as infrastructure reads them."""
    return b"\x7fELF\x02\x01\x01" + bytes(11) + ELF_HEADERS[architecture].to_bytes(2, "little") + b"synthetic module"


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups in the same hook
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """All of these tests in one process, so that the application is synthesised once."""
    config.addinivalue_line("markers", "xdist_group: known to pytest-xdist when it is loaded")
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("infra"))


@pytest.fixture(scope="session", autouse=True)
def _quiet_node() -> None:
    os.environ["JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION"] = "18,20"


@pytest.fixture(scope="session")
def experiment_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An experiment with a module per architecture, a library and data; every file is a stand-in."""
    folder = tmp_path_factory.mktemp("experiment")
    (folder / "libdemo.so").write_bytes(elf("x86_64"))
    (folder / "libdemo-arm.so").write_bytes(elf("arm64"))
    (folder / "libhelper.so.1").write_bytes(elf("x86_64") + b" helper")
    (folder / "input.bin").write_bytes(b"data")
    path = folder / "demo.toml"
    path.write_text(EXPERIMENT.format(folder=folder), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def app_context() -> Mapping[str, Any]:
    """What the CDK command line would pass from cdk.json, asset building off."""
    flags = json.loads((REPOSITORY / "cdk.json").read_text(encoding="utf-8"))["context"]
    return {**flags, "aws:cdk:bundling-stacks": []}


@pytest.fixture(scope="session")
def synthesise(app_context: Mapping[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Synthesise with more context; returns the folder of the cloud assembly."""
    from infra.app import build_app  # noqa: PLC0415  # starts Node, which only tests that need it should

    def run(**context: Any) -> Path:
        outdir = tmp_path_factory.mktemp("cdk.out")
        build_app({**app_context, **context}, str(outdir)).synth()
        return outdir

    return run


def read_stack(folder: Path, name: str) -> Stack:
    """A stack of a cloud assembly."""
    return Stack(json.loads((folder / f"{name}.template.json").read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def assembly(synthesise: Callable[..., Path], experiment_file: Path) -> Assembly:
    """Both stacks of the demo experiment, with default settings."""
    folder = synthesise(experiment=str(experiment_file), run="demo-run")
    return Assembly(folder, read_stack(folder, "CloudPits-Shared"), read_stack(folder, "CloudPits-demo"))


@pytest.fixture(scope="session")
def shared(assembly: Assembly) -> Stack:
    return assembly.shared


@pytest.fixture(scope="session")
def experiment(assembly: Assembly) -> Stack:
    return assembly.experiment


@pytest.fixture(scope="session")
def readable() -> Callable[[Any], Any]:
    """``plain``: a template's value as text."""
    return plain
