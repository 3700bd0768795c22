"""A task manager whose packets are dropped, in a network namespace of its own: no refusal, no reset, just silence."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SPITS_TM = Path(sys.executable).parent / "spits-tm"


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, timeout=10)


@pytest.fixture
def namespace() -> Any:
    """Name of a namespace whose host end of a link has 10.91.0.1 and whose own end has 10.91.0.2."""
    name = f"spits{os.getpid() % 10000}"
    near, far = f"n{name}", f"f{name}"
    subnet = f"10.91.{os.getpid() % 250}"
    try:
        ip("netns", "add", name)
        ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", name)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"network namespaces are not permitted here: {error}")
    ip("addr", "add", f"{subnet}.1/24", "dev", near)
    ip("link", "set", near, "up")
    ip("-n", name, "addr", "add", f"{subnet}.2/24", "dev", far)
    ip("-n", name, "link", "set", far, "up")
    yield name, far, f"{subnet}.2"
    ip("netns", "del", name)


def test_a_task_manager_behind_dropped_packets_stalls_nobody(
    cluster: Any, trial_module: Path, expected: Callable[..., str], wait_until: Callable[..., None], namespace: Any
) -> None:
    name, link, host = namespace
    command = [SPITS_TM, "--job", "trial", "--bind", host, "--port", "7727", "--workers", "1", trial_module, "80", "20"]
    remote = subprocess.Popen(["ip", "netns", "exec", name, *command], cwd=cluster.folder, start_new_session=True)
    try:
        (cluster.folder / "nodes.txt").write_text(f"node {host}:7727\n")
        cluster.task_manager(trial_module, "80 20")
        job = cluster.job_manager(trial_module, "80 20", "--status", "status.json")
        wait_until(lambda: cluster.status().get("nodes", {}).get(f"{host}:7727", {}).get("committed", 0) > 2)
        ip("-n", name, "link", "set", link, "down")
        began = time.monotonic()
        assert job.wait() == 0
        assert time.monotonic() - began < 8
        assert cluster.result() == expected(80)
    finally:
        remote.kill()
        remote.wait()
