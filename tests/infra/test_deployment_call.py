"""The function that CloudFormation waits for: it calls another one and always answers."""

from __future__ import annotations

import importlib.util
import io
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

HANDLER = Path(__file__).parents[2] / "lambdas/deployment/handler.py"
REQUEST = {"StackId": "stack", "RequestId": "request", "LogicalResourceId": "Call"}


class Calls:
    """Stands for Lambda's API: notes what is invoked and answers as told."""

    def __init__(self) -> None:
        self.made: list[tuple[str, Any]] = []
        self.error: str | None = None

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803  # boto3's names
        self.made.append((FunctionName, json.loads(Payload)))
        body = {"errorMessage": self.error} if self.error else {"applied": []}
        answer: dict[str, Any] = {"Payload": io.BytesIO(json.dumps(body).encode())}
        return answer | ({"FunctionError": "Unhandled"} if self.error else {})


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch, calls: Calls) -> ModuleType:
    """The handler's module, its boto3 client replaced."""
    spec = importlib.util.spec_from_file_location("deployment_handler", HANDLER)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    monkeypatch.setattr(loaded.boto3, "client", lambda *_args, **_kwargs: calls)
    return loaded


@pytest.fixture
def cloudformation() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A real HTTP server in CloudFormation's place: its URL and the answers put to it."""
    answers: list[dict[str, Any]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:  # the name http.server wants
            answers.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/answer", answers
        server.shutdown()
        thread.join()


@pytest.fixture
def request_of(module: ModuleType, cloudformation: tuple[str, list[dict[str, Any]]]) -> Callable[..., dict[str, Any]]:
    """Send a request to the handler; returns the answer that CloudFormation got."""
    url, answers = cloudformation

    def send(kind: str, **properties: str) -> dict[str, Any]:
        properties = {"FunctionName": "called", **properties}
        module.handler({**REQUEST, "RequestType": kind, "ResponseURL": url, "ResourceProperties": properties}, None)
        return answers[-1]

    return send


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_deploying_calls_the_function_and_reports_success(
    request_of: Callable[..., dict[str, Any]], calls: Calls, kind: str
) -> None:
    answer = request_of(kind, OnDeploy='{"action": "migrate"}')
    assert calls.made == [("called", {"action": "migrate"})]
    assert answer == {**REQUEST, "Status": "SUCCESS", "Reason": "done", "PhysicalResourceId": "Call"}


def test_a_failed_call_fails_the_deployment_and_says_why(
    request_of: Callable[..., dict[str, Any]], calls: Calls
) -> None:
    calls.error = "no such table"
    answer = request_of("Create", OnDeploy="{}")
    assert answer["Status"] == "FAILED"
    assert "called failed" in answer["Reason"]
    assert "no such table" in answer["Reason"]


def test_deletion_calls_what_is_meant_for_it_and_never_fails(
    request_of: Callable[..., dict[str, Any]], calls: Calls
) -> None:
    calls.error = "database is gone"
    answer = request_of("Delete", OnDeploy="{}", OnDelete='{"action": "stop"}')
    assert calls.made == [("called", {"action": "stop"})]
    assert (answer["Status"], "database is gone" in answer["Reason"]) == ("SUCCESS", True)


def test_nothing_is_called_when_nothing_is_meant_for_the_occasion(
    request_of: Callable[..., dict[str, Any]], calls: Calls
) -> None:
    assert request_of("Delete", OnDeploy="{}")["Status"] == "SUCCESS"
    assert request_of("Create", OnDelete="{}")["Status"] == "SUCCESS"
    assert calls.made == []
