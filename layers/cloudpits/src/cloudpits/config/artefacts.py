"""What the files that an experiment names say about it: architectures, and the digest that identifies the program.

Local paths are relative to the folder in which the command is typed, as in the shell. ``s3://`` URIs are left
alone: their content is not known here, so the URI itself stands for it.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import get_args

from cloudpits.config.experiment import Architecture, Experiment
from cloudpits.domain.errors import InvalidInputError

ARCHITECTURES: tuple[str, ...] = get_args(Architecture)
_ELF_MAGIC = b"\x7fELF"
_ELF_MACHINES = {62: "x86_64", 183: "arm64"}  # e_machine: EM_X86_64, EM_AARCH64 (elf.h)
_ELF_HEADER_BYTES = 20  # up to and including e_machine


def is_remote(location: str) -> bool:
    """Whether ``location`` is an object in S3 rather than a file here."""
    return location.startswith("s3://")


def local_path(location: str, field: str) -> Path:
    """An existing, readable file; InvalidInputError names ``field`` otherwise."""
    path = Path(location)
    if path.is_dir():
        raise InvalidInputError(
            f"{field}: {location} is a folder; name a file, or upload it and give its s3:// URI, ending in /"
        )
    if not path.exists():
        raise InvalidInputError(f"{field}: no such file: {location} (build or download it first, or give an s3:// URI)")
    if not os.access(path, os.R_OK):
        raise InvalidInputError(f"{field}: {location} cannot be read; give yourself the right to, or name another file")
    return path


def elf_architecture(path: Path) -> str | None:
    """The architecture a compiled module was built for; None if the file is not an ELF object."""
    with path.open("rb") as file:
        header = file.read(_ELF_HEADER_BYTES)
    if len(header) < _ELF_HEADER_BYTES or not header.startswith(_ELF_MAGIC):
        return None
    machine = int.from_bytes(header[18:20], "little")
    if machine not in _ELF_MACHINES:
        accepted = " or ".join(ARCHITECTURES)
        raise InvalidInputError(f"program.module: {path} is built for ELF machine {machine}; build it for {accepted}")
    return _ELF_MACHINES[machine]


def _single(module: str) -> dict[str, str]:
    if is_remote(module):
        return {"x86_64": module}
    built_for = elf_architecture(local_path(module, "program.module"))
    return {built_for: module} if built_for else dict.fromkeys(ARCHITECTURES, module)


def modules_by_architecture(experiment: Experiment) -> dict[str, str]:
    """Architecture → path or URI of the module that serves it.

    A single compiled module serves the architecture it was built for, a script every one; a single ``s3://``
    URI is taken to be x86_64: write a table ``{arm64 = "s3://…"}`` when it is not.
    """
    module = experiment.program.module
    if isinstance(module, str):
        return _single(module)
    for architecture, location in module.items():
        _check_built_for(architecture, location)
    return {str(architecture): location for architecture, location in module.items()}


def _check_built_for(architecture: str, location: str) -> None:
    field = f"program.module.{architecture}"
    built_for = None if is_remote(location) else elf_architecture(local_path(location, field))
    if built_for not in (None, architecture):
        raise InvalidInputError(f"{field}: {location} is built for {built_for}; give the {architecture} build")


def content_digest(location: str, field: str) -> str:
    """SHA-256 (hex) of a file's bytes; of an URI's text."""
    if is_remote(location):
        return hashlib.sha256(location.encode()).hexdigest()
    with local_path(location, field).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def program_digest(experiment: Experiment) -> str:
    """The experiment's program digest, from the bytes of its module (or modules) and its data."""
    modules = sorted(set(modules_by_architecture(experiment).values()))
    digests = [content_digest(module, "program.module") for module in modules]
    module_sha256 = digests[0] if len(digests) == 1 else hashlib.sha256("".join(sorted(digests)).encode()).hexdigest()
    data = None if experiment.data is None else content_digest(experiment.data.path, "data.path")
    return experiment.program_digest(module_sha256, data)
