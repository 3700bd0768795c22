"""What an experiment's files say: for which architectures it is built, and which program it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cloudpits.config.artefacts import content_digest, elf_architecture, modules_by_architecture, program_digest
from cloudpits.config.experiment import Experiment, parse_experiment
from cloudpits.domain.errors import InvalidInputError

MACHINES = {"x86_64": 62, "arm64": 183, "mips": 8}  # e_machine, elf.h


@pytest.fixture
def module(tmp_path: Path) -> Callable[..., str]:
    """Makes a stand-in for a compiled module and returns its path."""

    def make(name: str, machine: str, body: bytes = b"") -> str:
        path = tmp_path / name
        path.write_bytes(b"\x7fELF\x02\x01\x01" + bytes(11) + MACHINES[machine].to_bytes(2, "little") + body)
        return str(path)

    return make


def experiment(module: str | dict[str, str], arguments: tuple[str, ...] = (), data: str | None = None) -> Experiment:
    document: dict[str, Any] = {
        "name": "demo",
        "region": "us-east-1",
        "program": {"module": module, "arguments": list(arguments)},
        "limits": {"budget_usd": 1.0},
        "workers": {"instance_types": ["c5.large"]},
    }
    return parse_experiment(document | ({"data": {"path": data}} if data else {}), "test")


@pytest.mark.parametrize("machine", ["x86_64", "arm64"])
def test_a_compiled_module_serves_the_architecture_it_was_built_for(module: Callable[..., str], machine: str) -> None:
    path = module("lib.so", machine)
    assert modules_by_architecture(experiment(path)) == {machine: path}


def test_a_script_serves_every_architecture(tmp_path: Path) -> None:
    script = tmp_path / "module.py"
    script.write_text("print()", encoding="utf-8")
    assert elf_architecture(script) is None
    assert set(modules_by_architecture(experiment(str(script)))) == {"x86_64", "arm64"}


def test_a_remote_module_is_taken_for_x86_64_unless_a_table_says_otherwise() -> None:
    assert modules_by_architecture(experiment("s3://b/m.so")) == {"x86_64": "s3://b/m.so"}
    table = {"arm64": "s3://b/m.so"}
    assert modules_by_architecture(experiment(table)) == table


def test_a_module_under_the_wrong_architecture_is_named(module: Callable[..., str]) -> None:
    with pytest.raises(InvalidInputError, match=r"^program\.module\.arm64: .* is built for x86_64; give the arm64"):
        modules_by_architecture(experiment({"arm64": module("lib.so", "x86_64")}))


def test_a_module_for_another_machine_is_refused(module: Callable[..., str]) -> None:
    with pytest.raises(InvalidInputError, match=r"^program\.module: .* ELF machine 8; build it for x86_64 or arm64"):
        modules_by_architecture(experiment(module("lib.so", "mips")))


@pytest.mark.parametrize(("path", "problem"), [("gone.so", "no such file"), (".", "is a folder")])
def test_what_cannot_be_a_module_is_named(path: str, problem: str) -> None:
    with pytest.raises(InvalidInputError, match=rf"^program\.module: .*{problem}"):
        modules_by_architecture(experiment(path))


def test_a_module_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "module.py"
    path.write_text("", encoding="utf-8")
    monkeypatch.setattr("os.access", lambda *_: False)  # whoever tests as root may read everything
    with pytest.raises(InvalidInputError, match=r"^program\.module: .*module\.py cannot be read"):
        modules_by_architecture(experiment(str(path)))


def test_equal_bytes_are_the_same_program_wherever_they_lie(module: Callable[..., str]) -> None:
    assert program_digest(experiment(module("a.so", "x86_64"))) == program_digest(experiment(module("b.so", "x86_64")))


def test_other_bytes_arguments_or_data_are_another_program(module: Callable[..., str], tmp_path: Path) -> None:
    path, data = module("a.so", "x86_64"), tmp_path / "data"
    data.write_bytes(b"1")
    digests = [
        program_digest(experiment(path)),
        program_digest(experiment(module("b.so", "x86_64", b"other"))),
        program_digest(experiment(path, arguments=("1",))),
        program_digest(experiment(path, data=str(data))),
    ]
    data.write_bytes(b"2")
    digests.append(program_digest(experiment(path, data=str(data))))
    assert len(set(digests)) == len(digests)


def test_modules_of_several_architectures_are_one_program_in_any_order(module: Callable[..., str]) -> None:
    x86, arm = module("a.so", "x86_64"), module("b.so", "arm64")
    one = program_digest(experiment({"x86_64": x86, "arm64": arm}))
    assert one == program_digest(experiment({"arm64": arm, "x86_64": x86}))
    assert one != program_digest(experiment(x86))


def test_a_remote_file_is_known_by_its_address() -> None:
    assert content_digest("s3://b/one", "data.path") != content_digest("s3://b/two", "data.path")
