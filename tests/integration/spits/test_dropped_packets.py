"""A task manager whose packets are dropped, in a network of its own: no refusal, no reset, just silence."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import running, until

GATED = "200 20 0 1 none 0 10"
NEAR, FAR, PORT = "10.91.0.1", "10.91.0.2", 7727
AS_ROOT = os.geteuid() == 0
NEW = ["unshare", "--net"] if AS_ROOT else ["unshare", "--user", "--map-root-user", "--net"]


@dataclass
class Network:
    """A network namespace that lives as long as the process ``holder``; any user may have one."""

    holder: int

    def run(self, *command: str) -> list[str]:
        """``command`` as it is run inside."""
        user = [] if AS_ROOT else ["--user", "--preserve-credentials"]
        return ["nsenter", f"--target={self.holder}", *user, "--net", *command]

    def ip(self, *arguments: str) -> None:
        subprocess.run(self.run("ip", *arguments), check=True, capture_output=True, text=True)

    def enter(self) -> None:
        """Go inside with this process."""
        for kind in ("net",) if AS_ROOT else ("user", "net"):
            descriptor = os.open(f"/proc/{self.holder}/ns/{kind}", os.O_RDONLY)
            if ctypes.CDLL(None, use_errno=True).setns(descriptor, 0):
                raise OSError(ctypes.get_errno(), "setns")
            os.close(descriptor)


@contextmanager
def network(*command: str) -> Iterator[Network]:
    """A new network. It has no name, and its holder ends with its input, so that nothing of it can be left behind."""
    with subprocess.Popen([*command, "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        try:
            print("ready", file=holder.stdin, flush=True)
            assert holder.stdout.readline() == "ready\n"
            yield Network(holder.pid)
        finally:
            holder.kill()


@dataclass
class Link:
    """Two networks: ``near`` has 10.91.0.1, ``far`` has 10.91.0.2."""

    near: Network
    far: Network

    def drop_all(self) -> None:
        self.far.ip("link", "set", "far", "down")


def refusal() -> str | None:
    """Why a network of one's own cannot be had here; None if it can."""
    if missing := [name for name in ("unshare", "nsenter", "ip") if shutil.which(name) is None]:
        return f"networks cannot be made here, not installed: {', '.join(missing)}"
    tried = subprocess.run(
        [*NEW, "ip", "link", "add", "near", "type", "veth"], capture_output=True, text=True, check=False
    )
    return f"networks cannot be made here: {tried.stderr.strip()}" if tried.returncode else None


@pytest.fixture
def link() -> Iterator[Link]:
    if reason := refusal():
        pytest.skip(reason)
    with ExitStack() as exits:
        near = exits.enter_context(network(*NEW))
        far = exits.enter_context(network(*near.run("unshare", "--net")))
        near.ip("link", "add", "near", "type", "veth", "peer", "name", "far", "netns", str(far.holder))
        for at, name, address in ((near, "near", NEAR), (far, "far", FAR)):
            at.ip("addr", "add", f"{address}/24", "dev", name)
            at.ip("link", "set", name, "up")
            at.ip("link", "set", "lo", "up")
        yield Link(near, far)


def test_a_set_up_that_fails_half_way_leaves_no_network() -> None:
    if reason := refusal():
        pytest.skip(reason)
    with pytest.raises(subprocess.CalledProcessError), network(*NEW) as half_made:
        half_made.ip("link", "set", "no-such-link", "up")
    assert not running(half_made.holder)


@pytest.mark.parametrize("heartbeat_s", [1, 3600], ids=["noticed", "not noticed"])
def test_a_task_manager_behind_dropped_packets_stalls_nobody(
    cluster: Any, trial_module: Path, expected: Callable[..., str], link: Link, heartbeat_s: int
) -> None:
    (cluster.folder / "nodes.txt").write_text(f"node {FAR}:{PORT}\n", encoding="utf-8")
    cluster.enter = link.far.enter
    cluster.task_manager(trial_module, GATED, "--bind", FAR, "--port", PORT)
    cluster.enter = link.near.enter
    cluster.task_manager(trial_module, GATED)
    job = cluster.job_manager(trial_module, GATED, "--heartbeat", heartbeat_s, "--status", "status.json")
    cluster.at_the_gate(10, managers=2)

    link.drop_all()

    if heartbeat_s == 1:
        until(lambda: f"task manager {FAR}:{PORT} is gone" in job.text(), job.text)
    cluster.open_gate()
    assert job.wait() == 0
    assert cluster.result() == expected(200)
