"""What a program leaves behind: its result files and the logs, stored under the run's ``output/``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cloudpits.agents.artefacts import Workspace
from cloudpits.agents.retrying import persistently
from cloudpits.agents.storage import ObjectStore
from cloudpits.domain.ports import Clock

LOG_FOLDER = "logs/"


class Outputs:
    """Knows what was in the working directory before the program ran, so as to store only what the program wrote."""

    def __init__(self, workspace: Workspace, prefix: str) -> None:
        self._workspace = workspace
        self._prefix = prefix
        self._before = {path: _stamp(path) for path in _files(workspace.job)}

    def store(self, store: ObjectStore, clock: Clock) -> int:
        """Upload every new or changed file and every log; how many. CloudError if S3 keeps refusing."""
        places = dict(self._places())
        for path, uri in places.items():
            persistently(clock, lambda path=path, uri=uri: store.upload(path, uri))  # type: ignore[misc]  # bound now
        return len(places)

    def _places(self) -> Iterator[tuple[Path, str]]:
        for path in _files(self._workspace.job):
            if self._before.get(path) != _stamp(path):
                yield path, self._prefix + path.relative_to(self._workspace.job).as_posix()
        for path in _files(self._workspace.logs):
            yield path, self._prefix + LOG_FOLDER + path.name


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns
