"""Deploys the real stacks to the emulated AWS with the real CDK command line."""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3

from cloudpits.config.cdk import COMMAND, app, require_cdk
from cloudpits.domain.errors import CloudError, InvalidInputError
from cloudpits.local.emulated_aws import ACCOUNT

HOME = Path(".cloudpits")
QUALIFIER = "hnb659fds"  # of CDK's standard bootstrap
BOOTSTRAP_VERSION = "28"
_ASSET = "asset."
_OLD_S = 86_400.0
_TIMEOUT_S = 900.0  # a minute for the first synthesis on a quiet machine


def bootstrap(endpoint: str, region: str) -> None:
    """What ``cdk bootstrap`` leaves in an account and the CDK asks for: a bucket and a version."""
    session = boto3.Session(ACCOUNT, "emulated", region_name=region)
    bucket = f"cdk-{QUALIFIER}-assets-{ACCOUNT}-{region}"
    place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    session.client("s3", endpoint_url=endpoint).create_bucket(Bucket=bucket, **place)  # type: ignore[arg-type]  # a region
    ssm = session.client("ssm", endpoint_url=endpoint)
    ssm.put_parameter(Name=f"/cdk-bootstrap/{QUALIFIER}/version", Value=BOOTSTRAP_VERSION, Type="String")


def require_tools() -> None:
    """InvalidInputError unless the CDK can be run here."""
    if shutil.which("node") is None:
        raise InvalidInputError("Node.js: not found; make install, or install Node.js 20 or newer")
    require_cdk()


class Deployment:
    """Two deployments of one synthesis: history is written into the database between them."""

    def __init__(self, folder: Path, environment: Mapping[str, str], context: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = {**environment, "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1"}
        self._assembly = folder / "cdk.out"
        self._context = [word for name, value in context.items() for word in ("-c", f"{name}={value}")]

    def synthesise(self) -> None:
        """Synthesise all stacks.

        The folder is shared by all runs, one at a time, because CDK builds again only those assets that it lacks;
        this run goes on with a copy. Assets are linked: they are named by what is in them and never change.
        """
        shared = HOME.absolute() / "cdk.out"
        with (HOME / "cdk.lock").open("w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._cdk("synth", "--quiet", "--app", app(), "--output", str(shared), *self._context)
            self._assembly.mkdir()
            for path in shared.iterdir():
                own = self._assembly / path.name
                own.symlink_to(path) if path.name.startswith(_ASSET) else shutil.copyfile(path, own)
            _forget_old_assets(shared)

    def deploy(self, stack: str) -> Mapping[str, Any]:
        """Deploy one synthesised stack; its outputs."""
        outputs = self._folder / f"outputs-{stack}.json"
        self._cdk(
            *("deploy", stack, "--exclusively", "--app", str(self._assembly), "--outputs-file", str(outputs)),
            *("--require-approval", "never", "--method", "direct"),
        )
        found: dict[str, Any] = json.loads(outputs.read_text(encoding="utf-8"))[stack]
        return found

    def _cdk(self, *arguments: str) -> None:
        log = self._folder / f"cdk-{arguments[0]}-{arguments[1].strip('-')}.log"
        command = [str(COMMAND), *arguments, "--no-notices", "--ci"]
        with log.open("wb") as file:
            try:
                done = subprocess.run(  # noqa: S603 -- the pinned CDK command line
                    command, env=self._environment, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
                    check=False, timeout=_TIMEOUT_S,
                )  # fmt: skip
            except subprocess.TimeoutExpired:
                raise CloudError(f"cdk {arguments[0]} took over {_TIMEOUT_S:.0f} s; see {log}", "CdkTimeout") from None
        if done.returncode:
            raise CloudError(f"cdk {arguments[0]} failed: {_reason(log)}; see {log}", "CdkFailed")


def _forget_old_assets(assembly: Path) -> None:
    """Remove what earlier versions were built into: thousands of files each, of no use to any run of the last day."""
    named = "".join(manifest.read_text(encoding="utf-8") for manifest in assembly.glob("*.assets.json"))
    for asset in assembly.glob(f"{_ASSET}*"):
        if asset.name not in named and time.time() - asset.stat().st_mtime > _OLD_S:
            shutil.rmtree(asset) if asset.is_dir() else asset.unlink()


def _reason(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace", encoding="utf-8").splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith("cloudpits:") or "❌" in line or "rror:" in line]
    return (telling or lines or ["no message"])[-1]
