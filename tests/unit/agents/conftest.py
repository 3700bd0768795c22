"""Stand-ins for what an agent works with; none of them does anything but remember and answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cloudpits.adapters.memory.channel import MemoryChannel
from cloudpits.adapters.memory.clock import MemoryClock
from cloudpits.agents.imds import MetadataError, SpotAction
from cloudpits.config.agent import AgentDocument
from cloudpits.domain.errors import CloudError
from cloudpits.domain.ports import Control, Notice, Progress


@dataclass
class FakeChild:
    """A child process that ends when the test says so."""

    exit_code: int | None = None
    actions: list[str] = field(default_factory=list)

    def start(self) -> None:
        self.exit_code = None
        self.actions.append("start")

    def poll(self) -> int | None:
        return self.exit_code

    def terminate(self) -> None:
        self.actions.append("terminate")

    def kill(self) -> None:
        self.actions.append("kill")

    def last_words(self) -> str:
        return "segmentation fault"


@dataclass
class MemoryStore:
    """An object store that can be told to refuse the next requests."""

    objects: dict[str, bytes] = field(default_factory=dict)
    refusals: int = 0
    puts: list[str] = field(default_factory=list)

    def download(self, uri: str, path: Path) -> None:
        self._maybe_refuse()
        path.write_bytes(self.objects[uri])

    def upload(self, path: Path, uri: str) -> None:
        self.put(uri, path.read_bytes())

    def put(self, uri: str, body: bytes) -> None:
        self._maybe_refuse()
        self.puts.append(uri)
        self.objects[uri] = body

    def names(self, prefix: str) -> Sequence[str]:
        self._maybe_refuse()
        return sorted(uri for uri in self.objects if uri.startswith(prefix))

    def _maybe_refuse(self) -> None:
        if self.refusals:
            self.refusals -= 1
            raise CloudError("S3 does not answer", "SlowDown")


@dataclass
class FakeMetadata:
    """A metadata service that says what the test wants."""

    action: SpotAction | None = None
    advised_at: float | None = None
    down: bool = False
    asked: int = 0

    def spot_action(self) -> SpotAction | None:
        self.asked += 1
        if self.down:
            raise MetadataError("no answer")
        return self.action

    def rebalance_advised_at(self) -> float | None:
        return self.advised_at


class MoodyChannel(MemoryChannel):
    """A mailbox that is out of reach while ``down``."""

    down = False

    def control(self) -> Control | None:
        self._check()
        return super().control()

    def publish_progress(self, progress: Progress) -> None:
        self._check()
        super().publish_progress(progress)

    def publish_notice(self, notice: Notice) -> None:
        self._check()
        super().publish_notice(notice)

    def _check(self) -> None:
        if self.down:
            raise CloudError("mailbox out of reach", "EndpointConnectionError")


@pytest.fixture
def clock() -> MemoryClock:
    return MemoryClock(at=1000.0)


@pytest.fixture
def channel() -> MoodyChannel:
    return MoodyChannel()


@pytest.fixture
def child() -> FakeChild:
    return FakeChild()


@pytest.fixture
def metadata() -> FakeMetadata:
    return FakeMetadata()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def document() -> AgentDocument:
    return AgentDocument.model_validate(
        {
            "role": "worker",
            "experiment": "pi",
            "run": "pi-1",
            "region": "us-east-1",
            "bucket": "artefacts",
            "program": {"module": "libpi.so", "arguments": ["1000", "4"]},
            "modules": {"x86_64": "s3://artefacts/modules/x86/libpi.so"},
        }
    )
