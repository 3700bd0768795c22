"""The job manager's port: status, metrics, and adding, removing and listing nodes."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from typing import Final

from cloudpits.spits import wire
from cloudpits.spits.connecting import Address
from cloudpits.spits.errors import PeerError
from cloudpits.spits.handshake import Credentials, prove_secret
from cloudpits.spits.job_manager.registry import Registry
from cloudpits.spits.stream import Stream

_log = logging.getLogger(__name__)
_OK: Final = 0
_FAILED: Final = 1
_HIGHEST_PORT: Final = 65535


class JobManagerPort:
    """Answers clients; there is no job id here, only the proof of the secret if the job has one."""

    def __init__(
        self,
        registry: Registry,
        credentials: Credentials,
        limits: wire.Limits,
        metrics: Callable[[], dict[str, object]],
    ) -> None:
        self._registry = registry
        self._credentials = credentials
        self._limits = limits
        self._metrics = metrics

    async def serve(self, stream: Stream) -> None:
        """One client."""
        peer = wire.Peer(stream, self._limits)
        try:
            await prove_secret(peer, self._credentials, "server")
            await self._answer(peer, await peer.read_int())
            await peer.flush()
        except PeerError as error:
            _log.warning("client dropped: %s", error)
            peer.abort()
        else:
            await peer.close()

    async def _answer(self, peer: wire.Peer, kind: int) -> None:
        if kind == wire.STATUS:
            status = {"pid": os.getpid(), "type": "jobmanager", "status": "running"}
            peer.write(wire.encode_text(json.dumps(status)))
        elif kind == wire.METRICS:
            peer.write(wire.encode_text(json.dumps(self._metrics())))
        elif kind == wire.LIST_NODES:
            nodes = [{"host": address.host, "port": address.port} for address in self._registry.nodes]
            peer.write(wire.encode_text(json.dumps(nodes)))
        elif kind in {wire.ADD_NODE, wire.REMOVE_NODE}:
            peer.write(wire.encode_int(await self._change(kind, await peer.read_text())))
        else:
            raise PeerError(f"{peer.address} asked for unknown message {kind:#x}")

    async def _change(self, kind: int, text: str) -> int:
        try:
            node = json.loads(text)
            address = Address(str(node["host"]), int(node["port"]))
        except (ValueError, KeyError, TypeError, RecursionError):
            return _FAILED
        if not address.host or not 0 < address.port <= _HIGHEST_PORT:
            return _FAILED
        if kind == wire.ADD_NODE:
            self._registry.add(address)
            return _OK
        return _OK if await self._registry.remove(address) else _FAILED
