"""The standard output of a program, which most often goes to the same log as its errors."""

from __future__ import annotations

import ctypes
import io
import sys
from typing import Final

_LINE_BY_LINE: Final = 1  # _IOLBF of stdio.h
_LONGEST_LINE: Final = 8192  # bytes; longer ones are written in pieces


def write_lines_at_once() -> None:
    """Have standard output written line by line, Python's and C's, as it is on a terminal.

    To a file both keep kilobytes back. Of a process that crashes or is killed those are lost; of another they come
    after errors that were said later. Unbuffered, the pieces of lines that several processes print would mix.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True, write_through=False)
    library = ctypes.CDLL(None)
    library.malloc.restype = ctypes.c_void_p
    buffer = library.malloc(ctypes.c_size_t(_LONGEST_LINE))  # never freed: C writes from it after Python has ended
    library.setvbuf(_stdout_of(library), ctypes.c_void_p(buffer), _LINE_BY_LINE, ctypes.c_size_t(_LONGEST_LINE))


def flush() -> None:
    """Write what is left, an unfinished line most likely. For processes that end by ``os._exit``, which does not."""
    sys.stdout.flush()
    sys.stderr.flush()
    library = ctypes.CDLL(None)
    library.fflush(_stdout_of(library))


def _stdout_of(library: ctypes.CDLL) -> ctypes.c_void_p:
    return ctypes.c_void_p.in_dll(library, "stdout")
