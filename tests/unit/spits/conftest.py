"""Ports of both managers in this process, and scripted peers that speak bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from cloudpits.spits import wire
from cloudpits.spits.connecting import Address
from cloudpits.spits.handshake import Credentials
from cloudpits.spits.stream import serve_streams
from cloudpits.spits.task_manager.hand import Hand
from cloudpits.spits.task_manager.server import TaskManagerPort
from tests.waiting import PATIENCE_S

LIMITS = wire.Limits(text_bytes=1000, blob_bytes=1000, silence_s=0.5)


@asynccontextmanager
async def listening(serve: Callable) -> AsyncIterator[Address]:
    server = await serve_streams(serve, "127.0.0.1", 0, LIMITS.silence_s)
    async with server:
        yield Address(*server.sockets[0].getsockname()[:2])


@pytest.fixture
def serving() -> Any:
    """A server that listens for the length of a block, calling back for each connection."""
    return listening


@pytest.fixture
def task_manager_port() -> Any:
    """A task manager's port whose tasks nobody runs: tests play the workers through ``hand``."""

    def make(secret: bytes = b"", overfill: Any = 1, workers: int = 1) -> Any:
        hand = Hand(workers, overfill, 1 << 20)
        seen = SimpleNamespace(tasks=0, terminated=0)

        def on_task(_: int) -> None:
            seen.tasks += 1

        def on_terminate() -> None:
            seen.terminated += 1

        port = TaskManagerPort(
            hand, workers, Credentials("job", secret), LIMITS, lambda: {"n": 1}, on_task, on_terminate
        )
        return SimpleNamespace(port=port, hand=hand, seen=seen)

    return make


@pytest.fixture
def exchange() -> Any:
    """Send bytes to an address, half-close, and return all that comes back until the other end closes."""

    async def exchange(address: Address, data: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(data)
        writer.write_eof()
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await reader.read()
        finally:
            writer.close()

    return exchange
