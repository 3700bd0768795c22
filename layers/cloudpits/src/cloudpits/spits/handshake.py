"""What both ends exchange before the first message type: the job id, and proof of the shared secret if there is one.

The proof is a mutual challenge and response (HMAC-SHA256, RFC 2104): each end sends 16 random bytes, the client proves
itself first, and the server proves itself only to a client that did. Nothing a listener records can be replayed.
Reference peers know no secret: with one configured they are refused, without one nothing extra is sent.
"""

from __future__ import annotations

import hmac
import os
from dataclasses import dataclass, field
from typing import Final, Literal

from cloudpits.spits import wire
from cloudpits.spits.errors import PeerError

_CHALLENGE_BYTES: Final = 16
_PROOF_BYTES: Final = 32
Side = Literal["client", "server"]


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a peer must share with us: the job id, and optionally a secret."""

    job_id: str
    secret: bytes = field(default=b"", repr=False)


async def agree_on_job(peer: wire.Peer, credentials: Credentials, side: Side) -> None:
    """Exchange job ids at once, as both ends do, then prove the secret; ``PeerError`` if they differ."""
    peer.write(wire.encode_text(credentials.job_id))
    theirs = await peer.read_text()
    if theirs != credentials.job_id:
        raise PeerError(f"{peer.address} works on job {theirs!r}, not on {credentials.job_id!r}")
    await prove_secret(peer, credentials, side)


async def prove_secret(peer: wire.Peer, credentials: Credentials, side: Side) -> None:
    """Mutual proof of the shared secret; nothing happens without one."""
    if not credentials.secret:
        return
    mine = os.urandom(_CHALLENGE_BYTES)
    peer.write(mine)
    theirs = await peer.read_raw(_CHALLENGE_BYTES)
    transcript = mine + theirs if side == "client" else theirs + mine
    if side == "client":
        peer.write(_proof(credentials, "client", transcript))
        await _check(peer, _proof(credentials, "server", transcript))
    else:
        await _check(peer, _proof(credentials, "client", transcript))
        peer.write(_proof(credentials, "server", transcript))


async def _check(peer: wire.Peer, expected: bytes) -> None:
    if not hmac.compare_digest(await peer.read_raw(_PROOF_BYTES), expected):
        raise PeerError(f"{peer.address} does not know the job's secret")


def _proof(credentials: Credentials, side: Side, transcript: bytes) -> bytes:
    message = b"\0".join([side.encode(), credentials.job_id.encode(), transcript])
    return hmac.digest(credentials.secret, message, "sha256")
