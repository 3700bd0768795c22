"""Paths under ``/_cloudpits/`` by which the instance supervisor and the fault injection speak to the emulator."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ministack.core.responses import request_scope

from cloudpits.local.emulator.actions import tags_of
from cloudpits.local.emulator.dispatching import Gate
from cloudpits.local.emulator.fleet import Fleet, Instance
from cloudpits.local.emulator.market_time import RestartableClock

PREFIX = "/_cloudpits/"

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


def _described(instance: Instance) -> dict[str, Any]:
    return {
        "instance_id": instance.instance_id,
        "instance_type": instance.instance_type,
        "availability_zone": instance.zone,
        "spot": instance.spot,
        "state": instance.state,
        "private_ip": instance.private_ip,
        "launched_at": instance.launched_at,
        "warned_until": instance.warned_until,
        "user_data": base64.b64decode(instance.user_data).decode(),
        "tags": tags_of(instance.instance_id),
    }


class Admin:
    """Answers the admin paths and hands every other request to the emulator."""

    def __init__(self, fleet: Fleet, clock: RestartableClock, gate: Gate, emulator: Application) -> None:
        self._fleet = fleet
        self._emulator = emulator
        self._actions: dict[str, Callable[[dict[str, Any]], Any]] = {
            "instances": self._instances,
            "interrupt": lambda body: fleet.warn(body["instance_id"]),
            "shutdown": self._shutdown,
            "fail": self._fail,
            "faults": self._faults,
            "clock": lambda body: clock.restart(body["real_origin"]),
            "schedules": lambda _: gate.open(),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self._emulator(scope, receive, send)
            return
        action = self._actions.get(scope["path"].removeprefix(PREFIX))
        if action is None:
            await _respond(send, 404, {"error": "unknown action", "known": sorted(self._actions)})
            return
        body = await _read(receive)
        with request_scope(self._fleet.world.account, self._fleet.world.region):
            await _respond(send, 200, action(json.loads(body or b"{}")))

    def _instances(self, _: dict[str, Any]) -> list[dict[str, Any]]:
        return [_described(instance) for instance in list(self._fleet.instances.values())]

    def _shutdown(self, body: dict[str, Any]) -> None:
        """The instance shut itself down; its templates say that this terminates it."""
        code = "Client.InstanceInitiatedShutdown"
        self._fleet.end(body["instance_id"], code, f"{code}: Instance initiated shutdown")

    def _fail(self, body: dict[str, Any]) -> None:
        """The instance is gone without notice."""
        instance = self._fleet.instances.get(body["instance_id"])
        code = "Server.SpotInstanceTermination" if instance and instance.spot else "Server.InternalError"
        self._fleet.end(body["instance_id"], code, f"{code}: the instance was lost without notice")

    def _faults(self, body: dict[str, Any]) -> None:
        self._fleet.world.faults.capacity_share = float(body["capacity_share"])


async def _read(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _respond(send: Send, status: int, document: Any) -> None:
    content = json.dumps(document).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
