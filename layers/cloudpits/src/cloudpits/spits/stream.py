"""A connection as a buffer of received bytes: what asyncio's streams do, at a third of the processor time.

Dispatching tiny tasks costs a handful of reads of 8 to 32 bytes per task; most of them find their bytes buffered
already, and need neither a timer nor a turn of the event loop here. Silence is measured by one timer per connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from cloudpits.spits.errors import ClosedError, PeerError

_AHEAD_BYTES: Final = 1 << 20


class Stream(asyncio.Protocol):
    """One connection. ``silence_s`` seconds without a byte either way end a wait with ``PeerError``.

    ``on_open`` is called with the stream once it is connected.
    """

    def __init__(self, silence_s: float, on_open: Callable[[Stream], None] = lambda _: None) -> None:
        self.silence_s = silence_s
        self.address = "closed connection"
        self._on_open = on_open
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._waiter: asyncio.Future[None] | None = None
        self._needed = 0
        self._paused_reading = False
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self._lost: PeerError | None = None
        self._progress = 0.0
        self._backlog = 0
        self._watchdog: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport

    @property
    def transport(self) -> asyncio.Transport:
        """The transport, for socket options."""
        return self._transport

    async def read(self, size: int) -> bytes:
        """Exactly ``size`` bytes; ``ClosedError`` if the other end closed before."""
        if len(self._buffer) < size:
            await self._wait_for(size)
        if size == len(self._buffer):
            data = bytes(self._buffer)
            self._buffer.clear()
        else:
            data = bytes(memoryview(self._buffer)[:size])
            del self._buffer[:size]
        if self._paused_reading:
            self._resume_reading()
        return data

    def write(self, data: bytes) -> None:
        """Send; dropped if the connection is closed."""
        if not self._transport.is_closing():
            self._transport.write(data)

    async def drained(self) -> None:
        """Until the other end took nearly all that was written."""
        while self._transport.get_write_buffer_size() > _AHEAD_BYTES:
            await self._wait()

    async def close(self, timeout_s: float) -> None:
        """Close once all is sent; after ``timeout_s`` in any case."""
        self._stop_watching()
        self._transport.close()
        await asyncio.wait({self._closed}, timeout=timeout_s)
        self._transport.abort()

    def abort(self) -> None:
        """Drop the connection at once."""
        self._stop_watching()
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("a stream needs a transport both ways")
        self._transport = transport
        transport.set_write_buffer_limits(high=_AHEAD_BYTES)
        name = transport.get_extra_info("peername")
        self.address = f"{name[0]}:{name[1]}" if name else self.address
        self._on_open(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._progress = self._loop.time()
        if len(self._buffer) >= self._needed:
            self._wake()
            if len(self._buffer) > self._needed + _AHEAD_BYTES and not self._paused_reading:
                self._paused_reading = True
                self._transport.pause_reading()

    def eof_received(self) -> bool:
        self._lost = self._lost or ClosedError(f"{self.address} closed the connection")
        self._wake()
        return True

    def resume_writing(self) -> None:
        self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        self._lost = self._lost or ClosedError(f"{self.address} {error or 'closed the connection'}")
        self._stop_watching()
        self._wake()
        self._closed.set_result(None)

    async def _wait_for(self, size: int) -> None:
        self._needed = size
        if self._paused_reading:
            self._resume_reading()
        while len(self._buffer) < size:
            await self._wait()
        self._needed = 0

    async def _wait(self) -> None:
        """Until something happens; raises if the connection is lost."""
        if self._lost:
            raise self._lost
        self._progress = self._loop.time()
        if self._watchdog is None:
            self._watchdog = self._loop.call_later(self.silence_s, self._watch)
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _watch(self) -> None:
        now = self._loop.time()
        backlog = self._transport.get_write_buffer_size()
        if backlog != self._backlog:
            self._backlog, self._progress = backlog, now  # the other end is still taking what we write
        if self._waiter is not None and now - self._progress >= self.silence_s:
            self._lost = PeerError(f"{self.address} was silent for {self.silence_s:g} s")
            self.abort()
            return
        left = self.silence_s - (now - self._progress) if self._waiter is not None else self.silence_s
        self._watchdog = self._loop.call_later(max(left, 0.001), self._watch)

    def _stop_watching(self) -> None:
        if self._watchdog is not None:
            self._watchdog.cancel()

    def _resume_reading(self) -> None:
        self._paused_reading = False
        self._transport.resume_reading()


async def serve_streams(
    serve: Callable[[Stream], Awaitable[None]], host: str, port: int, silence_s: float
) -> asyncio.Server:
    """Listen; ``serve`` runs for each connection in a task of its own."""
    tasks: set[asyncio.Future[None]] = set()

    def on_open(stream: Stream) -> None:
        task = asyncio.ensure_future(serve(stream))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: Stream(silence_s, on_open), host, port, backlog=256)


async def open_stream(host: str, port: int, silence_s: float) -> Stream:
    """Connect; ``OSError`` if nobody listens."""
    loop = asyncio.get_running_loop()
    _, stream = await loop.create_connection(lambda: Stream(silence_s), host, port)
    return stream
