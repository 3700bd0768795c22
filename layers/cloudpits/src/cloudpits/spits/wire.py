"""The SPITS wire format: message types, primitives, limits.

INT is a signed 64-bit big-endian number, STR a 32-bit big-endian length and UTF-8, BLOB an INT length and bytes.
One request travels per TCP connection. Types at and above ``HELLO`` are CloudPITS's own: they are offered only to a
peer that answered ``HELLO``, so reference peers never see them in earnest.

| type | exchange after the type |
|---|---|
| ``HELLO`` | the task manager answers STR json: ``{"instance", "workers", "in_hand", "draining"}`` |
| ``READ_RESULTS_WAITING`` | the job manager sends INT milliseconds; then as ``READ_RESULTS``, but the task manager |
| | keeps the connection open that long for results to come, and hands over reports too (status from ``OWN_STATUS``) |
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from cloudpits.spits.errors import ClosedError, PeerError

NO_MORE: Final = 0x0000
READ_RESULTS: Final = 0x0101
ACKNOWLEDGE: Final = 0x0101
HEARTBEAT: Final = 0x0200
SEND_TASK: Final = 0x0201
TASK_MORE: Final = 0x0202
TASK_FULL: Final = 0x0203
TASK_REJECT: Final = 0x0204
STATUS: Final = 0x0400
METRICS: Final = 0x0401
ADD_NODE: Final = 0x0404
LIST_NODES: Final = 0x0405
REMOVE_NODE: Final = 0x0406
HELLO: Final = 0x0501
READ_RESULTS_WAITING: Final = 0x0511
TERMINATE: Final = 0xFFFF

OWN_STATUS: Final = -(2**62)
"""Results with a status from here down to ``STATUS_RETURNED`` are CloudPITS's own reports, their BLOB a reason."""
STATUS_FAILED: Final = OWN_STATUS - 1
STATUS_RETURNED: Final = OWN_STATUS - 2
"""The task was never started here (drain): no attempt is counted."""

_PIECE_BYTES: Final = 1 << 20

_INT = struct.Struct(">q")
_LENGTH = struct.Struct(">I")
_RESULT = struct.Struct(">qqq")
_TASK = struct.Struct(">qq")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a peer may ask of us: bytes per STR and BLOB, seconds of silence in the middle of an exchange."""

    text_bytes: int = 1 << 20
    blob_bytes: int = 1024 << 20
    silence_s: float = 10.0


def encode_int(value: int) -> bytes:
    """INT."""
    return _INT.pack(value)


def encode_text(text: str) -> bytes:
    """STR."""
    data = text.encode()
    return _LENGTH.pack(len(data)) + data


def encode_blob(data: bytes) -> bytes:
    """BLOB."""
    return _INT.pack(len(data)) + data


def no_delay_wanted() -> bool:
    """Whether sockets set TCP_NODELAY; ``CLOUDPITS_SPITS_NODELAY=0`` turns it off, for measuring what it is worth."""
    return os.environ.get("CLOUDPITS_SPITS_NODELAY", "1") != "0"


class Peer:
    """One connection, read and written in the primitives of the protocol.

    Every read is limited in size and time. ``PeerError`` is the only failure that comes out of it. What is written
    leaves with the next read or ``flush``, or when the event loop comes round, as one segment where possible.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limits: Limits) -> None:
        self._reader = reader
        self._writer = writer
        self.limits = limits
        self.silence_s = limits.silence_s
        self._loop = asyncio.get_running_loop()
        self._waiting_since: float | None = None
        self._silent = False
        self._backlog = 0
        self._watchdog: asyncio.TimerHandle | None = None
        self._outgoing: list[bytes] = []
        self._delayed = not no_delay_wanted()
        if self._delayed:
            writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)

    @property
    def address(self) -> str:
        """``host:port`` of the other end."""
        name = self._writer.get_extra_info("peername")
        return f"{name[0]}:{name[1]}" if name else "closed connection"

    async def read_int(self) -> int:
        """Next INT."""
        return int(_INT.unpack(await self.read_raw(8))[0])

    async def read_text(self) -> str:
        """Next STR."""
        size = _LENGTH.unpack(await self.read_raw(4))[0]
        if size > self.limits.text_bytes:
            raise PeerError(f"{self.address} announced a text of {size} bytes, the limit is {self.limits.text_bytes}")
        try:
            return (await self.read_raw(size)).decode()
        except UnicodeDecodeError as error:
            raise PeerError(f"{self.address} sent a text that is not UTF-8") from error

    async def read_task(self) -> tuple[int, bytes]:
        """Run id and data of a task, what follows its task id."""
        run_id, size = _TASK.unpack(await self.read_raw(16))
        return run_id, await self._body(size)

    async def read_result(self) -> tuple[int, int, bytes]:
        """Run id, status and data of a result, what follows its task id."""
        run_id, status, size = _RESULT.unpack(await self.read_raw(24))
        return run_id, status, await self._body(size)

    async def read_raw(self, size: int) -> bytes:
        """``size`` bytes without framing; large ones piece by piece, so that only a stop counts as silence."""
        self._push()
        if size <= _PIECE_BYTES:
            with self._watched():
                return await self._reader.readexactly(size)
        pieces = []
        for start in range(0, size, _PIECE_BYTES):
            with self._watched():
                pieces.append(await self._reader.readexactly(min(_PIECE_BYTES, size - start)))
        return b"".join(pieces)

    def write(self, *parts: bytes) -> None:
        """Queue bytes for sending."""
        if not self._outgoing:
            self._loop.call_soon(self._push)
        self._outgoing += parts

    def write_result(self, task_id: int, run_id: int, status: int, data: bytes) -> None:
        """Queue one result."""
        self.write(_INT.pack(task_id), _RESULT.pack(run_id, status, len(data)), data)

    def write_task(self, task_id: int, run_id: int, data: bytes) -> None:
        """Queue one task."""
        self.write(_INT.pack(task_id), _TASK.pack(run_id, len(data)), data)

    def acknowledge(self) -> None:
        """Queue the acknowledgement of the oldest unacknowledged result, if the connection still stands."""
        if not self._writer.is_closing():
            self.write(_INT.pack(ACKNOWLEDGE))

    async def flush(self) -> None:
        """Wait until the other end takes what was queued."""
        self._push()
        with self._watched():
            await self._writer.drain()

    async def close(self) -> None:
        """Send what is queued and close, leaving nothing behind even when the other end is gone."""
        self._push()
        self._end_watch()
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(1.0):
                await self._writer.wait_closed()

    def abort(self) -> None:
        """Drop the connection at once."""
        self._outgoing.clear()
        self._end_watch()
        self._writer.transport.abort()

    async def _body(self, size: int) -> bytes:
        if not 0 <= size <= self.limits.blob_bytes:
            raise PeerError(f"{self.address} announced {size} bytes of data, the limit is {self.limits.blob_bytes}")
        return await self.read_raw(size)

    def _push(self) -> None:
        parts, self._outgoing = self._outgoing, []
        if not parts or self._writer.is_closing():
            return
        for part in parts if self._delayed else [b"".join(parts)]:
            self._writer.write(part)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Abort the connection if what is done inside makes no progress; translate what can go wrong."""
        self._waiting_since = self._loop.time()
        if self._watchdog is None:
            self._watchdog = self._loop.call_later(self.silence_s, self._watch)
        try:
            yield
        except asyncio.IncompleteReadError as error:
            raise self._lost("closed the connection") from error
        except OSError as error:
            raise self._lost(error.strerror or str(error)) from error
        finally:
            self._waiting_since = None

    def _watch(self) -> None:
        """One timer for all waits of the connection is far cheaper than one per wait."""
        since, now = self._waiting_since, self._loop.time()
        backlog = self._writer.transport.get_write_buffer_size()
        if since is not None and backlog != self._backlog:
            self._waiting_since = since = now  # the other end is still taking what we write
        self._backlog = backlog
        if since is not None and now - since >= self.silence_s:
            self._silent = True
            self._writer.transport.abort()
        else:
            left = self.silence_s - (now - since if since is not None else 0)
            self._watchdog = self._loop.call_later(left, self._watch)

    def _end_watch(self) -> None:
        if self._watchdog is not None:
            self._watchdog.cancel()

    def _lost(self, why: str) -> PeerError:
        if self._silent:
            return PeerError(f"{self.address} was silent for {self.silence_s:g} s")
        return ClosedError(f"{self.address} {why}")
