"""Task managers announced in files: lines ``node host:port`` of ``nodes.txt`` and of every file in ``nodes/``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from cloudpits.spits.connecting import Address

_LINE: Final = re.compile(r"^\s*node\s+(\S+):(\d{1,5})\s*$", re.MULTILINE)
_HIGHEST_PORT: Final = 65535


class NodeFiles:
    """Reads the files again only when they changed."""

    def __init__(self, file: Path, directory: Path) -> None:
        self._file = file
        self._directory = directory
        self._known: dict[Path, tuple[tuple[int, int], frozenset[Address]]] = {}

    def read(self) -> set[Address]:
        """Every node announced now; a line that is none is ignored, as is a file that vanishes meanwhile."""
        paths = [self._file]
        if self._directory.is_dir():
            paths += [path for path in self._directory.iterdir() if not path.name.startswith(".")]
        self._known = {path: known for path in paths if (known := self._read(path))}
        return {address for _, addresses in self._known.values() for address in addresses}

    def _read(self, path: Path) -> tuple[tuple[int, int], frozenset[Address]] | None:
        try:
            stat = path.stat()
            version = (stat.st_mtime_ns, stat.st_size)
            known = self._known.get(path)
            if known and known[0] == version:
                return known
            return version, parse_nodes(path.read_text(errors="replace", encoding="utf-8"))
        except OSError:
            return None


def parse_nodes(text: str) -> frozenset[Address]:
    """The addresses in ``node host:port`` lines."""
    return frozenset(Address(host, int(port)) for host, port in _LINE.findall(text) if 0 < int(port) <= _HIGHEST_PORT)
