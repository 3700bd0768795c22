"""Finding out what kind of program a path is, and loading it."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cloudpits.spits.errors import InputError
from cloudpits.spits.output import write_lines_at_once
from cloudpits.spits.programs.interface import Program

_ELF_MACHINES: Final = {0x3E: "x86_64", 0xB7: "aarch64", 0x03: "i386", 0x28: "arm", 0xF3: "riscv64", 0x15: "ppc64le"}


def load_program(module: Path, arguments: Sequence[str]) -> Program:
    """The program at ``module`` with its command line; ``InputError`` says in one line why it cannot be run."""
    check_module(module)
    write_lines_at_once()
    command_line = (str(module), *arguments)
    if module.suffix == ".py":
        from cloudpits.spits.programs.python import load_python  # noqa: PLC0415 - loads what the program needs only

        return load_python(module, command_line)
    from cloudpits.spits.programs.native import load_native  # noqa: PLC0415 - loads what the program needs only

    return load_native(module, command_line)


def check_module(module: Path) -> None:
    """Refuse what cannot be a program of this machine, without running any of it."""
    if not module.is_file():
        raise InputError(f"module {module}: no such file; give a shared object (.so) or a Python program (.py)")
    if module.suffix == ".py":
        return
    with module.open("rb") as file:
        header = file.read(20)
    if len(header) < 20 or header[:4] != b"\x7fELF":  # noqa: PLR2004 - up to and including e_machine
        raise InputError(f"module {module}: neither a shared object (ELF) nor a .py file; compile with -shared -fPIC")
    code = int.from_bytes(header[18:20], "little" if header[5] == 1 else "big")
    machine = _ELF_MACHINES.get(code, f"machine {code:#x}")
    if machine != platform.machine():
        raise InputError(f"module {module}: built for {machine}, this machine is {platform.machine()}; build it here")
