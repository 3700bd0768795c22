"""Ships the job manager's journal to S3, so that a job manager on another instance can resume from it.

Journal segments only grow. Each is stored in chunks of equal size, of which only the last one is ever stored again;
S3 replaces an object atomically, so what is there at any moment is a prefix of the segment, and the torn record that
it may end in is what a crash leaves too.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from cloudpits.agents.storage import ObjectStore

logger = logging.getLogger(__name__)
CHUNK_BYTES = 4 << 20


class JournalSync:
    """Keeps the objects under ``prefix`` (an S3 URI ending in ``/``) up with the files in ``folder``."""

    def __init__(self, store: ObjectStore, prefix: str, folder: Path, chunk_bytes: int = CHUNK_BYTES) -> None:
        self._store = store
        self._prefix = prefix
        self._folder = folder
        self._chunk_bytes = chunk_bytes
        self._shipped_bytes: dict[str, int] = {}

    def restore(self) -> int:
        """Bring back what an earlier job manager shipped; the number of bytes restored. May raise CloudError."""
        uris = self._store.names(self._prefix)
        return sum(self._restore_file(name, list(chunks)) for name, chunks in groupby(uris, self._name_of))

    def ship(self) -> int:
        """Store what was added since the last time; the number of chunks stored. May raise CloudError."""
        return sum(self._ship_file(path) for path in sorted(self._folder.iterdir()) if path.is_file())

    def _restore_file(self, name: str, uris: Sequence[str]) -> int:
        path = self._folder / name
        piece = path.with_name(f".{name}.piece")
        with path.open("wb") as file:
            for index, uri in enumerate(uris):
                if uri != self._uri(name, index) or file.tell() != index * self._chunk_bytes:
                    logger.warning("%s does not continue what was restored; the rest is left out", uri)
                    break
                self._store.download(uri, piece)
                file.write(piece.read_bytes())
            size = file.tell()
        piece.unlink(missing_ok=True)
        self._shipped_bytes[name] = size
        return size

    def _ship_file(self, path: Path) -> int:
        size, shipped = path.stat().st_size, self._shipped_bytes.get(path.name, 0)
        if size == shipped:
            return 0
        stored = 0
        for index, body in self._chunks(path, shipped // self._chunk_bytes, size):
            self._store.put(self._uri(path.name, index), body)
            self._shipped_bytes[path.name] = index * self._chunk_bytes + len(body)
            stored += 1
        return stored

    def _chunks(self, path: Path, first: int, size: int) -> Iterator[tuple[int, bytes]]:
        """Chunks from ``first`` on, up to ``size`` bytes of the file."""
        with path.open("rb") as file:
            file.seek(first * self._chunk_bytes)
            for start in range(first * self._chunk_bytes, size, self._chunk_bytes):
                yield start // self._chunk_bytes, file.read(min(self._chunk_bytes, size - start))

    def _uri(self, name: str, index: int) -> str:
        return f"{self._prefix}{name}/{index:08d}"

    def _name_of(self, uri: str) -> str:
        return uri.removeprefix(self._prefix).rpartition("/")[0]
