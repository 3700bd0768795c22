"""Opening conversations with a task manager's port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from cloudpits.spits import wire
from cloudpits.spits.errors import PeerError
from cloudpits.spits.handshake import Credentials, agree_on_job
from cloudpits.spits.stream import open_stream


class Address(NamedTuple):
    """Where a task manager listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class UnreachableError(PeerError):
    """Nobody answers at the address: refused, no route, or no answer in time."""


async def connect(address: Address, limits: wire.Limits, timeout_s: float) -> wire.Peer:
    """A connection; ``UnreachableError`` if there is none within ``timeout_s``."""
    try:
        async with asyncio.timeout(timeout_s):
            stream = await open_stream(address.host, address.port, timeout_s)
    except TimeoutError as error:
        raise UnreachableError(f"{address} did not answer within {timeout_s:g} s") from error
    except OSError as error:
        raise UnreachableError(f"{address}: {error.strerror or error}") from error
    return wire.Peer(stream, limits)


@asynccontextmanager
async def conversation(
    address: Address, kind: int, credentials: Credentials, limits: wire.Limits, timeout_s: float
) -> AsyncIterator[wire.Peer]:
    """A connection on which the job id is agreed and message ``kind`` queued; closed at the end, aborted on errors."""
    peer = await connect(address, limits, timeout_s)
    try:
        await agree_on_job(peer, credentials, "client")
        peer.write(wire.encode_int(kind))
        yield peer
    except BaseException:
        peer.abort()
        raise
    await peer.close()
