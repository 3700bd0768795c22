"""Compiles an experiment's module when its source lies beside it and the module is absent or older."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from cloudpits.config.artefacts import is_remote, modules_by_architecture
from cloudpits.config.experiment import Experiment
from cloudpits.domain.errors import InvalidInputError
from cloudpits.spits.errors import SpitsError
from cloudpits.spits.programs.loading import check_module

PREFIX = "lib"
FLAGS = ("-O2", "-std=c++17", "-shared", "-fPIC")


def source_of(module: Path) -> Path | None:
    """``dir/name.cpp`` for ``dir/libname.so``; None if there is none."""
    source = module.with_name(module.stem.removeprefix(PREFIX) + ".cpp")
    return source if module.suffix == ".so" and source.exists() else None


def build_module(experiment: Experiment) -> None:
    """Bring a local single module up to date with its source; InvalidInputError carries the compiler's first error."""
    if not isinstance(experiment.program.module, str) or experiment.program.module.startswith("s3://"):
        return
    module = Path(experiment.program.module)
    source = source_of(module)
    if source is None or (module.exists() and module.stat().st_mtime >= _newest(source)):
        return
    compiler = shutil.which("g++")
    if compiler is None:
        raise InvalidInputError(f"{module}: must be compiled from {source}, but g++ is missing (apt-get install g++)")
    print(f"compiling {source}", file=sys.stderr)  # noqa: T201 -- progress for people
    command = [compiler, *FLAGS, "-o", str(module), str(source)]
    done = subprocess.run(  # noqa: S603 -- the compiler, by path
        command, capture_output=True, encoding="utf-8", errors="replace", check=False
    )
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "error:" in line] or ["g++ failed"]
        raise InvalidInputError(f"program.module: {errors[0]}")


def check_program(experiment: Experiment) -> None:
    """InvalidInputError unless the module is there and a program that this machine can run."""
    for location in modules_by_architecture(experiment).values():
        if is_remote(location):
            raise InvalidInputError(f"program.module: {location} is not on this machine, where the instances run")
        try:
            check_module(Path(location))
        except SpitsError as error:
            raise InvalidInputError(f"program.module: {error}") from None


def _newest(source: Path) -> float:
    return max(path.stat().st_mtime for path in (source, *source.parent.glob("*.hpp")))
