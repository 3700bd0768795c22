"""The C interface of SPITS modules: types, signatures, and telling the two versions apart."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cloudpits.spits.errors import InputError

Size = ctypes.c_longlong
ArgumentVector = ctypes.POINTER(ctypes.c_char_p)
Push = ctypes.CFUNCTYPE(None, ctypes.c_void_p, Size, ctypes.c_void_p)
RunnerFunction = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_int,
    ArgumentVector,
    ctypes.c_void_p,
    Size,
    ctypes.POINTER(ctypes.c_void_p),
    ctypes.POINTER(Size),
)

_SELF = ctypes.c_void_p
_DATA = ctypes.c_char_p  # bytes go in without a copy; embedded zeros are no matter, the length travels beside them
_COMMAND_LINE: Final = (ctypes.c_int, ArgumentVector)
_ROLE_RESULT: Final = ctypes.c_int

_SIGNATURES: Final[dict[str, tuple[object, tuple[object, ...]]]] = {
    "spits_main": (ctypes.c_int, (*_COMMAND_LINE, RunnerFunction)),
    "spits_job_manager_new": (_SELF, (*_COMMAND_LINE, _DATA, Size)),
    "spits_job_manager_next_task": (_ROLE_RESULT, (_SELF, Push, ctypes.c_void_p)),
    "spits_job_manager_finalize": (None, (_SELF,)),
    "spits_worker_new": (_SELF, _COMMAND_LINE),
    "spits_worker_run": (_ROLE_RESULT, (_SELF, _DATA, Size, Push, ctypes.c_void_p)),
    "spits_worker_finalize": (None, (_SELF,)),
    "spits_committer_new": (_SELF, (*_COMMAND_LINE, _DATA, Size)),
    "spits_committer_commit_pit": (_ROLE_RESULT, (_SELF, _DATA, Size)),
    "spits_committer_commit_job": (_ROLE_RESULT, (_SELF, Push, ctypes.c_void_p)),
    "spits_committer_finalize": (None, (_SELF,)),
}
_WITH_METRICS: Final = ("spits_job_manager_new", "spits_worker_new", "spits_committer_new")


@dataclass(frozen=True, slots=True)
class Module:
    """A loaded shared object with its signatures set; ``version`` is 1 or 2."""

    library: ctypes.CDLL
    version: int


def open_module(path: Path) -> Module:
    """Load a shared object; ``InputError`` names what it lacks."""
    try:
        library = ctypes.CDLL(str(path.resolve()))
    except OSError as error:
        raise InputError(f"module {path}: cannot be loaded: {error}") from error
    version = 2 if hasattr(library, "spits_metrics_new") else 1
    for name, (result, parameters) in _SIGNATURES.items():
        if not hasattr(library, name):
            raise InputError(f"module {path}: not a SPITS module, it does not export {name} (extern C?)")
        function = getattr(library, name)
        function.restype = result
        takes_metrics = version == 2 and name in _WITH_METRICS  # noqa: PLR2004 - the ABI's number
        function.argtypes = (*parameters, ctypes.c_void_p) if takes_metrics else parameters
    return Module(library, version)


def argument_vector(arguments: Sequence[str]) -> ctypes.Array[ctypes.c_char_p]:
    """``argv`` with its terminating null; ``argc`` is its length less one."""
    encoded = [argument.encode() for argument in arguments]
    return (ctypes.c_char_p * (len(encoded) + 1))(*encoded, None)
