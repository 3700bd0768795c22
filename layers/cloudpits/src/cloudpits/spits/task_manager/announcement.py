"""The file that tells a job manager on a shared folder where this task manager listens."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from cloudpits.spits.connecting import Address


class Announcement:
    """A file ``HOST_PORT`` in ``directory`` with the line ``node HOST:PORT``."""

    def __init__(self, directory: Path, address: Address) -> None:
        self._file = directory / f"{address.host}_{address.port}"
        self._line = f"node {address}\n"

    def publish(self) -> None:
        """Write the file, whole or not at all."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._file.with_name(f".{self._file.name}.{os.getpid()}")
        temporary.write_text(self._line, encoding="utf-8")
        temporary.replace(self._file)

    def withdraw(self) -> None:
        """Remove the file; no matter if it is gone."""
        with contextlib.suppress(FileNotFoundError):
            self._file.unlink()
