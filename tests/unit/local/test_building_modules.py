import os
from pathlib import Path
from typing import Any

import pytest

from cloudpits.config.experiment import Experiment, parse_experiment
from cloudpits.domain.errors import InvalidInputError
from cloudpits.local.building import build_module

SOURCE = 'extern "C" int answer() { return 42; }\n'


def experiment(module: Path | str) -> Experiment:
    document: dict[str, Any] = {
        "name": "try",
        "region": "us-east-1",
        "program": {"module": str(module)},
        "limits": {"budget_usd": 1.0},
        "workers": {"instance_types": ["c5.large"]},
    }
    return parse_experiment(document, "try.toml")


def test_a_module_is_compiled_from_the_source_beside_it(tmp_path: Path) -> None:
    (tmp_path / "try.cpp").write_text(SOURCE, encoding="utf-8")

    build_module(experiment(tmp_path / "libtry.so"))

    assert (tmp_path / "libtry.so").read_bytes().startswith(b"\x7fELF")


def test_a_module_newer_than_its_source_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "try.cpp").write_text("not C++", encoding="utf-8")
    (tmp_path / "libtry.so").write_bytes(b"built before")
    os.utime(tmp_path / "try.cpp", (1, 1))

    build_module(experiment(tmp_path / "libtry.so"))

    assert (tmp_path / "libtry.so").read_bytes() == b"built before"


def test_a_changed_header_makes_a_module_old(tmp_path: Path) -> None:
    (tmp_path / "try.cpp").write_text(SOURCE, encoding="utf-8")
    (tmp_path / "libtry.so").write_bytes(b"built before")
    os.utime(tmp_path / "try.cpp", (1, 1))
    os.utime(tmp_path / "libtry.so", (2, 2))
    (tmp_path / "spits.hpp").write_text("", encoding="utf-8")

    build_module(experiment(tmp_path / "libtry.so"))

    assert (tmp_path / "libtry.so").read_bytes() != b"built before"


@pytest.mark.parametrize("module", ["s3://bucket/libtry.so", "no/such/libtry.so", "program.py"])
def test_what_has_no_source_here_is_nobodys_business(module: str) -> None:
    build_module(experiment(module))


def test_an_error_of_the_compiler_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "try.cpp").write_text("int answer() { return forty_two; }\n", encoding="utf-8")

    with pytest.raises(InvalidInputError, match="forty_two") as error:
        build_module(experiment(tmp_path / "libtry.so"))

    assert "\n" not in str(error.value)
