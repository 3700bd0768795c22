"""The end of a run: its output files, the comparison with a run on one machine, the logs, and the final table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.table import Table

from cloudpits.local.emulated_aws import ACCOUNT
from cloudpits.local.stage import Stage

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SHOWN_BYTES = 200
LOGS = "logs/"  # agents put their logs below this, beside the program's own files


def collect_outputs(s3: S3Client, bucket: str, run: str, folder: Path) -> dict[str, bytes]:
    """Copy the run's output into ``folder``; the program's own files by relative name."""
    prefix = f"runs/{run}/output/"
    files: dict[str, bytes] = {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", ()):
            name = item["Key"].removeprefix(prefix)
            body = s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(body)
            if not name.startswith(LOGS):
                files[name] = body
    return files


def differing_files(expected: Mapping[str, bytes], found: Mapping[str, bytes]) -> list[str]:
    """Names of the files that a run on one machine leaves and this run left otherwise or not at all."""
    return sorted(name for name, content in expected.items() if found.get(name) != content)


def save_function_logs(stage: Stage) -> None:
    """Write what the Lambda functions logged to ``functions.log``, as far as the emulator still answers."""
    logs = boto3.Session(ACCOUNT, "emulated", region_name=stage.region).client("logs", endpoint_url=stage.aws.endpoint)
    lines: list[str] = []
    try:
        for group in logs.describe_log_groups()["logGroups"]:
            for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"]):
                lines += [f"{group['logGroupName']} {event['message'].rstrip()}" for event in page["events"]]
    except (BotoCoreError, ClientError, OSError):
        lines.append("the emulated AWS does not answer any more")
    (stage.folder / "functions.log").write_text("\n".join(lines) + "\n", encoding="utf-8")


def show_result(document: Mapping[str, Any], console: Console) -> None:
    """The workers and the figures of a run, for people."""
    workers = Table("worker", "type", "zone", "market", "tasks", "USD", "ended because", title=str(document["run"]))
    for worker in document["workers"]:
        workers.add_row(
            worker["instance_id"],
            worker["instance_type"],
            worker["availability_zone"],
            worker["market"],
            str(worker["tasks"]),
            f"{worker['cost_usd']:.4f}",
            worker["ended_because"],
        )
    console.print(workers)
    figures = Table("what", "value", show_header=False)
    for name, value in _figures(document):
        figures.add_row(name, value)
    console.print(figures)


def _figures(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    budget = document["budget_usd"]
    makespan = document["makespan_s"]
    rows = [
        ("status", str(document["status"])),
        ("tasks committed", f"{document['tasks_committed']} of {document['tasks_total']}"),
        ("spent", f"{document['spent_usd']:.4f} USD" + ("" if budget is None else f" of {budget:.2f}")),
        ("makespan", "-" if makespan is None else f"{makespan / 60:.1f} market minutes"),
        ("interruptions, replacements", f"{document['interruptions']}, {document['replacements']}"),
        ("output", str(document["output_dir"])),
    ]
    for other in document.get("simulated", ()):
        name, minutes = f"simulated, {other['policy']}", other["makespan_s"] / 60
        rows.append((name, f"{other['cost_usd']:.4f} USD, {minutes:.1f} market minutes"))
    if "differs_from_single_process" in document:
        differing = document["differs_from_single_process"]
        rows.append(("result", f"differs in {', '.join(differing)}" if differing else "equal to a single-process run"))
    return rows + _result_of(Path(document["output_dir"]))


def _result_of(folder: Path) -> list[tuple[str, str]]:
    """The end of the first small text file that the program left."""
    for path in sorted(folder.glob("*")):
        if path.is_file():
            text = path.read_bytes()[-SHOWN_BYTES:].decode(errors="replace").strip()
            return [(path.name, text.splitlines()[-1] if text else "(empty)")]
    return []
