"""The instance metadata service (IMDSv2) of one emulated instance, on the instance's own loopback address."""

from __future__ import annotations

import json
import secrets
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SELDOM_S = 3600.0  # real seconds between two looks whether to end; none is waited for, see close


@dataclass(slots=True)
class InstanceFacts:
    """What the service tells. ``warned_until`` (market time) is set once the instance has its notice."""

    instance_id: str
    instance_type: str
    availability_zone: str
    private_ip: str
    spot: bool
    user_data: str
    tags: dict[str, str] = field(default_factory=dict)
    warned_until: float | None = None
    rebalance_at: float | None = None

    def lookup(self, path: str) -> str | None:
        """The value at ``path`` below ``/latest/``; None for 404."""
        region = self.availability_zone[:-1]
        static = {
            "meta-data/instance-id": self.instance_id,
            "meta-data/instance-type": self.instance_type,
            "meta-data/instance-life-cycle": "spot" if self.spot else "on-demand",
            "meta-data/local-ipv4": self.private_ip,
            "meta-data/placement/availability-zone": self.availability_zone,
            "meta-data/placement/region": region,
            "user-data": self.user_data,
            "dynamic/instance-identity/document": json.dumps(
                {
                    "instanceId": self.instance_id,
                    "instanceType": self.instance_type,
                    "availabilityZone": self.availability_zone,
                    "region": region,
                    "privateIp": self.private_ip,
                }
            ),
        }
        if path.startswith("meta-data/tags/instance/"):
            return self.tags.get(path.removeprefix("meta-data/tags/instance/"))
        return static.get(path) or self._warning(path)

    def _warning(self, path: str) -> str | None:
        if path == "meta-data/spot/instance-action" and self.warned_until is not None:
            return json.dumps({"action": "terminate", "time": _iso(self.warned_until)})
        if path == "meta-data/events/recommendations/rebalance" and self.rebalance_at is not None:
            return json.dumps({"noticeTime": _iso(self.rebalance_at)})
        return None


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class MetadataService:
    """Serves ``facts`` until closed; answers only requests that carry a session token, as IMDSv2 does.

    It listens on the instance's address, on a port that the system chooses.
    """

    def __init__(self, facts: InstanceFacts) -> None:
        self.facts = facts
        self._server = ThreadingHTTPServer((facts.private_ip, 0), _handler(facts))
        self._server.daemon_threads = True
        self.endpoint = f"http://{facts.private_ip}:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(SELDOM_S,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving; the port is free when this returns, which is at once."""
        self._server.socket.shutdown(socket.SHUT_RDWR)  # wakes the server, which else looks up only every SELDOM_S
        self._server.shutdown()
        self._server.server_close()


def _handler(facts: InstanceFacts) -> Callable[..., BaseHTTPRequestHandler]:
    tokens: set[str] = set()

    class Handler(BaseHTTPRequestHandler):
        """One request."""

        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            if self.path != "/latest/api/token" or "X-aws-ec2-metadata-token-ttl-seconds" not in self.headers:
                self._answer(HTTPStatus.BAD_REQUEST)
                return
            tokens.add(token := secrets.token_urlsafe())
            self._answer(HTTPStatus.OK, token)

        def do_GET(self) -> None:
            if self.headers.get("X-aws-ec2-metadata-token") not in tokens:
                self._answer(HTTPStatus.UNAUTHORIZED)
                return
            value = facts.lookup(self.path.removeprefix("/latest/").rstrip("/"))
            self._answer(HTTPStatus.NOT_FOUND if value is None else HTTPStatus.OK, value or "")

        def _answer(self, status: HTTPStatus, body: str = "") -> None:
            content = body.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Quiet: the agents ask every second."""

    return Handler
