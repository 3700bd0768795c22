"""Starts the extended emulator as a process, and speaks to its admin paths."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cloudpits.domain.errors import CloudError, InvalidInputError
from cloudpits.local.loopback import HOST, free_port

ACCOUNT = "123456789012"  # as access key it makes the emulator, and the CDK's cache, use this account
EMULATOR_PYTHON = "CLOUDPITS_EMULATOR_PYTHON"
_START_S = 120.0  # a second or two on a quiet machine
_ANSWER_S = 60.0  # milliseconds on a quiet machine


def emulator_python(environ: Mapping[str, str] = os.environ) -> Path:
    """The interpreter of the emulator's environment; InvalidInputError says how to make one."""
    python = Path(environ.get(EMULATOR_PYTHON) or Path(sys.prefix) / "emulator" / "bin" / "python")
    if not python.exists():
        raise InvalidInputError(f"{python}: the emulator is not installed; run 'make install' or set {EMULATOR_PYTHON}")
    return python


def credentials(region: str) -> dict[str, str]:
    """Environment variables with which SDKs and the CDK take the emulator's account."""
    return {
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "emulated",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_CONFIG_FILE": os.devnull,  # a person's own profile must never meet the emulator
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


class EmulatedAws:
    """One emulator process in ``folder``; ``environment`` is what it and its Lambda functions inherit."""

    def __init__(self, folder: Path, world: Mapping[str, Any], environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._world = world
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None
        self.endpoint = ""

    @property
    def log(self) -> Path:
        return self._folder / "emulator.log"

    def start(self) -> str:
        """Start and wait until it answers; the endpoint's URL. CloudError with the log's last line if it does not."""
        scratch = self._folder / "tmp"
        scratch.mkdir(parents=True, exist_ok=True)
        world = self._folder / "world.json"
        world.write_text(json.dumps(self._world), encoding="utf-8")
        port = free_port()
        self.endpoint = f"http://{HOST}:{port}"
        environment = {
            **self._environment,
            "AWS_ENDPOINT_URL": self.endpoint,
            "BIND_HOST": HOST,
            "GATEWAY_PORT": str(port),
            "LAMBDA_EXECUTOR": "local",
            "IOT_MTLS_ENABLED": "0",  # a listener that nobody here needs
            "LOG_LEVEL": "INFO",
            "TMPDIR": str(scratch),
        }
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 -- our own module
                [str(emulator_python()), "-m", "cloudpits.local.emulator", str(world)],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the starter, which stops everything in order
            )
        self._await_ready()
        return self.endpoint

    def _await_ready(self) -> None:
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                break
            try:
                self.instances()
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
            else:
                return
        lines = self.log.read_text(errors="replace", encoding="utf-8").strip().splitlines() or ["no message"]
        self.stop()
        raise CloudError(f"the emulated AWS did not start: {lines[-1]}; see {self.log}", "EmulatorNotStarted")

    def stop(self) -> None:
        """End the emulator. Harmless when it does not run; its Lambda processes end with their input."""
        process, self._process = self._process, None
        if process:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _admin(self, action: str, **body: Any) -> Any:
        request = urllib.request.Request(  # noqa: S310 -- our own http:// endpoint
            f"{self.endpoint}/_cloudpits/{action}", data=json.dumps(body).encode(), method="POST"
        )
        with urllib.request.urlopen(request, timeout=_ANSWER_S) as response:  # noqa: S310
            return json.load(response)

    def instances(self) -> list[dict[str, Any]]:
        """All instances, ended ones included, with user data and tags."""
        found: list[dict[str, Any]] = self._admin("instances")
        return found

    def interrupt(self, instance_id: str) -> bool:
        """Give a spot instance its two-minute notice; False if it is none, or has one already."""
        return bool(self._admin("interrupt", instance_id=instance_id))

    def shut_down(self, instance_id: str) -> None:
        """Tell that the instance shut itself down."""
        self._admin("shutdown", instance_id=instance_id)

    def fail(self, instance_id: str) -> None:
        """Take an instance without notice."""
        self._admin("fail", instance_id=instance_id)

    def set_clock(self, real_origin: float) -> None:
        """Have the market clock show its origin at ``real_origin`` (system clock); later functions follow it."""
        self._admin("clock", real_origin=real_origin)

    def start_schedules(self) -> None:
        """Let schedules fire from now on; before, they are held back."""
        self._admin("schedules")

    def set_capacity_errors(self, share: float) -> None:
        """From now on, this share of (pool, quarter of an hour) refuses launches."""
        self._admin("faults", capacity_share=share)
