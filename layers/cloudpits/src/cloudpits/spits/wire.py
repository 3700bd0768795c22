"""The SPITS wire format: message types, primitives, limits.

INT is a signed 64-bit big-endian number, STR a 32-bit big-endian length and UTF-8, BLOB an INT length and bytes.
One request travels per TCP connection. Types at and above ``HELLO`` are CloudPITS's own: they are offered only to a
peer that answered ``HELLO``, so reference peers never see them in earnest.

| type | exchange after the type |
|---|---|
| ``HELLO`` | the task manager answers STR json: ``{"instance", "workers", "in_hand", "draining"}`` |
| ``SEND_TASKS`` | the task manager sends INT room; the job manager sends as many tasks (INT taskid, INT runid, BLOB) |
| | or fewer and INT 0; the task manager answers INT how many of them, from the first on, it took |
| ``READ_RESULTS_WAITING`` | the job manager sends INT milliseconds; then as ``READ_RESULTS``, but the task manager |
| | keeps the connection open that long for results to come, and hands over reports too (status from ``OWN_STATUS``) |
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from dataclasses import dataclass
from typing import Final

from cloudpits.spits.errors import PeerError
from cloudpits.spits.stream import Stream

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
SEND_TASKS: Final = 0x0512
TERMINATE: Final = 0xFFFF

OWN_STATUS: Final = -(2**62)
"""Results with a status from here down to ``STATUS_RETURNED`` are CloudPITS's own reports, their BLOB a reason."""
STATUS_FAILED: Final = OWN_STATUS - 1
STATUS_RETURNED: Final = OWN_STATUS - 2
"""The task was never started here (drain): no attempt is counted."""

_CLOSE_S: Final = 1.0

_INT = struct.Struct(">q")
_LENGTH = struct.Struct(">I")
_RESULT = struct.Struct(">qqq")
_TASK = struct.Struct(">qq")
_ACKNOWLEDGEMENT: Final = _INT.pack(ACKNOWLEDGE)


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


def no_delay_wanted() -> bool:
    """Whether sockets set TCP_NODELAY; ``CLOUDPITS_SPITS_NODELAY=0`` turns it off, for measuring what it is worth."""
    return os.environ.get("CLOUDPITS_SPITS_NODELAY", "1") != "0"


class Peer:
    """One connection, read and written in the primitives of the protocol.

    Every read is limited in size and time. ``PeerError`` is the only failure that comes out of it. What is written
    leaves with the next read, ``flush`` or ``close``, as one segment where possible.
    """

    def __init__(self, stream: Stream, limits: Limits) -> None:
        self._stream = stream
        self.limits = limits
        self._loop = asyncio.get_running_loop()
        self._outgoing: list[bytes] = []
        self._push_scheduled = False
        self._delayed = not no_delay_wanted()
        if self._delayed:
            stream.transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)

    @property
    def address(self) -> str:
        """``host:port`` of the other end."""
        return self._stream.address

    def expect_within(self, silence_s: float) -> None:
        """Change how long the other end may be silent, from its next wait on."""
        self._stream.silence_s = silence_s

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
        """``size`` bytes without framing."""
        if self._outgoing:
            self._push()
        return await self._stream.read(size)

    def write(self, *parts: bytes) -> None:
        """Queue bytes for sending."""
        self._outgoing += parts

    def write_result(self, task_id: int, run_id: int, status: int, data: bytes) -> None:
        """Queue one result."""
        self.write(_INT.pack(task_id), _RESULT.pack(run_id, status, len(data)), data)

    def write_task(self, task_id: int, run_id: int, data: bytes) -> None:
        """Queue one task."""
        self.write(_INT.pack(task_id), _TASK.pack(run_id, len(data)), data)

    def acknowledge(self) -> None:
        """Queue the acknowledgement of the oldest unacknowledged result; those of one turn of the loop go together."""
        self._outgoing.append(_ACKNOWLEDGEMENT)
        if not self._push_scheduled:
            self._push_scheduled = True
            self._loop.call_soon(self._push)

    async def flush(self) -> None:
        """Wait until the other end takes what was queued."""
        self._push()
        await self._stream.drained()

    async def close(self) -> None:
        """Send what is queued and close."""
        self._push()
        await self._stream.close(_CLOSE_S)

    def abort(self) -> None:
        """Drop the connection at once."""
        self._outgoing.clear()
        self._stream.abort()

    async def _body(self, size: int) -> bytes:
        if not 0 <= size <= self.limits.blob_bytes:
            raise PeerError(f"{self.address} announced {size} bytes of data, the limit is {self.limits.blob_bytes}")
        return await self.read_raw(size)

    def _push(self) -> None:
        self._push_scheduled = False
        parts, self._outgoing = self._outgoing, []
        for part in parts if self._delayed else [b"".join(parts)] * bool(parts):
            self._stream.write(part)
