"""The journal of committed results: append-only segments that survive kill -9 and can be copied while open.

A segment is ``journal-NNNNNN.seg``: a magic line, then records of
``u32 length · u32 CRC-32 · u8 kind · i64 run · i64 task · data`` (big-endian; length and CRC cover what follows them).
Every start of a job manager opens a new segment and never touches an older one, so a copy taken at any moment is a
valid journal: a record torn at the end of a segment is where that segment ends.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from cloudpits.spits.errors import InputError

_MAGIC: Final = b"CloudPITS journal 1\n"
_FRAME: Final = struct.Struct(">II")
_KEYS: Final = struct.Struct(">Bqq")
_SEGMENT_BYTES: Final = 64 << 20

IDENTITY: Final = 1
RESULT: Final = 2
QUARANTINED: Final = 3
GENERATED: Final = 4
"""All tasks of the run were generated; the task field is their number."""


@dataclass(frozen=True, slots=True)
class Record:
    """One entry: ``data`` is a result, the reason of a quarantine, or the identity."""

    kind: int
    run_id: int
    task_id: int
    data: bytes


@dataclass(slots=True)
class _Extent:
    """Adjacent records of one run: bytes ``start`` to ``end`` of a segment."""

    segment: Path
    start: int
    end: int


class Journal:
    """The journal in ``directory``, which is created; opening reads it once and remembers where each run lies.

    ``append`` and ``sync`` belong to one thread. ``InputError`` if the directory holds the journal of another job.
    """

    def __init__(self, directory: Path, job_id: str, arguments: Sequence[str]) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._extents: dict[int, list[_Extent]] = {}
        identity = json.dumps({"job": job_id, "arguments": list(arguments)}, sort_keys=True).encode()
        segments = sorted(directory.glob("journal-*.seg"))
        for segment in segments:
            self._index(segment, identity)
        self._number = int(segments[-1].stem.partition("-")[2]) if segments else 0
        self._identity = identity
        self._file = self._next_segment()

    @property
    def resumed(self) -> bool:
        """Whether an earlier job manager wrote results here."""
        return bool(self._extents)

    def replay(self, run_id: int) -> Iterator[Record]:
        """What earlier job managers wrote about a run, in their order."""
        for extent in self._extents.get(run_id, ()):
            with extent.segment.open("rb") as file:
                file.seek(extent.start)
                for record, _ in _records(file, extent.start, extent.end):
                    yield record

    def append(self, record: Record) -> None:
        """Write a record; it is durable once ``sync`` returned."""
        body = _KEYS.pack(record.kind, record.run_id, record.task_id) + record.data
        self._file.write(_FRAME.pack(len(body), zlib.crc32(body)) + body)

    def sync(self) -> None:
        """Make everything appended durable."""
        self._file.flush()
        os.fdatasync(self._file.fileno())
        if self._file.tell() > _SEGMENT_BYTES:
            self._file.close()
            self._file = self._next_segment()

    def close(self) -> None:
        """Make everything durable and close."""
        self.sync()
        self._file.close()

    def _next_segment(self) -> BinaryIO:
        self._number += 1
        file = (self._directory / f"journal-{self._number:06}.seg").open("xb")
        self._file = file
        file.write(_MAGIC)
        self.append(Record(IDENTITY, 0, 0, self._identity))
        file.flush()
        os.fdatasync(file.fileno())
        descriptor = os.open(self._directory, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
        return file

    def _index(self, segment: Path, identity: bytes) -> None:
        with segment.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                if segment.stat().st_size >= len(_MAGIC):
                    raise InputError(f"journal {segment}: not a CloudPITS journal; give an empty or matching directory")
                return
            for record, end in _records(file, len(_MAGIC), segment.stat().st_size):
                if record.kind == IDENTITY:
                    if record.data != identity:
                        raise InputError(
                            f"journal {segment}: belongs to job {record.data.decode()}, not {identity.decode()}; "
                            "give another directory or job id"
                        )
                    continue
                self._note(record.run_id, segment, end - _FRAME.size - _KEYS.size - len(record.data), end)

    def _note(self, run_id: int, segment: Path, start: int, end: int) -> None:
        extents = self._extents.setdefault(run_id, [])
        if extents and extents[-1].segment is segment and extents[-1].end == start:
            extents[-1].end = end
        else:
            extents.append(_Extent(segment, start, end))


class NoJournal:
    """Stands where no journal was asked for: a restarted job manager starts from task 1."""

    resumed = False

    def replay(self, run_id: int) -> Iterator[Record]:  # noqa: ARG002 - the journal's signature
        return iter(())

    def append(self, record: Record) -> None:
        """Forget it."""

    def sync(self) -> None:
        """Nothing to make durable."""

    def close(self) -> None:
        """Nothing to close."""


def _records(file: BinaryIO, position: int, end: int) -> Iterator[tuple[Record, int]]:
    """Records from ``position`` up to ``end`` or the first torn one, each with where it ends."""
    while position + _FRAME.size <= end:
        size, checksum = _FRAME.unpack(file.read(_FRAME.size))
        if size < _KEYS.size or position + _FRAME.size + size > end:
            return
        body = file.read(size)
        if len(body) != size or zlib.crc32(body) != checksum:
            return
        position += _FRAME.size + size
        kind, run_id, task_id = _KEYS.unpack_from(body)
        yield Record(kind, run_id, task_id, body[_KEYS.size :]), position
