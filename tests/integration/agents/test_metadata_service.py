"""The client of the instance metadata service, against one that demands session tokens."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from cloudpits.agents.imds import ENDPOINT_VARIABLE, Identity, MetadataError, MetadataService, SpotAction
from cloudpits.local.metadata import InstanceFacts
from cloudpits.local.metadata import MetadataService as Emulated
from tests.integration.agents.region import PATIENCE_S


@pytest.fixture
def emulated(addresses: Iterator[str]) -> Iterator[Emulated]:
    service = Emulated(InstanceFacts("i-0a", "c5.large", "us-east-1a", next(addresses), spot=True, user_data=""))
    yield service
    service.close()


@pytest.fixture
def client(emulated: Emulated) -> MetadataService:
    return MetadataService(emulated.endpoint, PATIENCE_S)


def test_an_instance_learns_who_it_is(client: MetadataService, emulated: Emulated) -> None:
    assert client.identity() == Identity("i-0a", "c5.large", "us-east-1a", emulated.facts.private_ip)


def test_the_environment_names_the_service(emulated: Emulated) -> None:
    named = MetadataService.from_environment({ENDPOINT_VARIABLE: emulated.endpoint})
    assert named.get("instance-id") == "i-0a"


def test_without_a_notice_nothing_is_announced(client: MetadataService) -> None:
    assert client.spot_action() is None
    assert client.rebalance_advised_at() is None


def test_a_notice_says_what_happens_and_when(client: MetadataService, emulated: Emulated) -> None:
    emulated.facts.warned_until, emulated.facts.rebalance_at = 1_700_000_120.0, 1_700_000_000.0
    assert client.spot_action() == SpotAction("terminate", 1_700_000_120.0)
    assert client.rebalance_advised_at() == 1_700_000_000.0


def test_nobody_there_is_an_error_that_says_so(nowhere: str) -> None:
    with pytest.raises(MetadataError, match=r"instance metadata service: PUT /latest/api/token: .*refused"):
        MetadataService(nowhere, PATIENCE_S).identity()


def test_an_endpoint_must_be_an_address() -> None:
    with pytest.raises(MetadataError, match="'localhost' is not an http:// address"):
        MetadataService("localhost")


class Scripted(BaseHTTPRequestHandler):
    """Grants tokens that expire after one use; answers every question with ``answer``."""

    answer = (200, "{}")
    tokens = 0

    def do_PUT(self) -> None:  # the base class's name
        type(self).tokens += 1
        self._reply(200, str(self.tokens))

    def do_GET(self) -> None:  # the base class's name
        fresh = self.headers["X-aws-ec2-metadata-token"] == str(self.tokens)
        type(self).tokens += 1
        self._reply(*(self.answer if fresh else (401, "")))

    def _reply(self, status: int, body: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def scripted() -> Iterator[type[Scripted]]:
    handler = type("Handler", (Scripted,), {})
    server = HTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    handler.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    yield handler
    server.shutdown()
    server.server_close()


def test_an_expired_token_is_renewed(scripted: type[Scripted]) -> None:
    scripted.answer = (200, "value")
    client = MetadataService(scripted.endpoint, PATIENCE_S)
    assert [client.get("instance-id") for _ in range(3)] == ["value"] * 3


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ((500, ""), "status 500"),
        ((200, "<html>"), "not JSON"),
        ((200, "[]"), "not a JSON object"),
        ((200, '{"action": "terminate"}'), "no usable 'time'"),
        ((200, '{"action": "terminate", "time": "soon"}'), "no usable 'time'"),
    ],
)
def test_nonsense_is_an_error_and_no_notice(scripted: type[Scripted], answer: tuple[int, str], problem: str) -> None:
    scripted.answer = answer
    with pytest.raises(MetadataError, match=problem):
        MetadataService(scripted.endpoint, PATIENCE_S).spot_action()


def test_an_identity_must_be_complete(scripted: type[Scripted]) -> None:
    scripted.answer = (404, "")
    with pytest.raises(MetadataError, match="instance-id is missing"):
        MetadataService(scripted.endpoint, PATIENCE_S).identity()
