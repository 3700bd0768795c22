"""Asks task managers whether they are there and work on our job: handshake, heartbeat, goodbye."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from cloudpits.agents.membership import Answer
from cloudpits.spits import wire
from cloudpits.spits.connecting import Address, conversation
from cloudpits.spits.errors import PeerError
from cloudpits.spits.handshake import Credentials

PROBE_S = 3.0  # real time; short, since a silent address must not hold up the others' registration


def probe_all(
    addresses: Mapping[str, str], port: int, credentials: Credentials, timeout_s: float = PROBE_S
) -> dict[str, Answer]:
    """Probe every address (instance id → IPv4 address) at the same time."""
    return asyncio.run(_probe_all(addresses, port, credentials, timeout_s))


async def _probe_all(
    addresses: Mapping[str, str], port: int, credentials: Credentials, timeout_s: float
) -> dict[str, Answer]:
    answers = await asyncio.gather(*(_probe(ip, port, credentials, timeout_s) for ip in addresses.values()))
    return dict(zip(addresses, answers, strict=True))


async def _probe(ip: str, port: int, credentials: Credentials, timeout_s: float) -> Answer:
    try:
        async with asyncio.timeout(timeout_s):
            return await _greet(ip, port, credentials)
    except TimeoutError:
        return Answer.SILENT
    except (OSError, PeerError):
        return Answer.CLOSED


async def _greet(ip: str, port: int, credentials: Credentials) -> Answer:
    # Its own time limit is longer than the one around: an address that stays silent must be told from a closed one.
    async with conversation(Address(ip, port), wire.HEARTBEAT, credentials, wire.Limits(), 2 * PROBE_S):
        pass
    return Answer.READY
