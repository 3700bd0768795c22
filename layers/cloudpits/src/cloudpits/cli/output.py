"""How results leave the program: JSON on stdout for machines, everything for people on stderr."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

console = Console(stderr=True, highlight=False)


def print_json(document: Mapping[str, Any]) -> None:
    """Print one JSON document on stdout; NaN and infinities are defects and refused."""
    print(json.dumps(document, indent=2, allow_nan=False))  # noqa: T201  # the one place that writes to stdout


def publish(
    kind: str,
    document: Mapping[str, Any],
    show: Callable[[Mapping[str, Any]], None],
    *,
    as_json: bool,
    report: Path | None,
) -> None:
    """Write the HTML report if asked for; print the JSON document if asked for, else ``show`` it to people."""
    if report is not None:
        from cloudpits.reporting.html import write_report

        write_report(kind, document, report)
        console.print(f"report: {report}")
    if as_json:
        print_json(document)
    else:
        show(document)


def usd(amount: float | None) -> str:
    """Money as people read it: cents, and more places below a dollar."""
    if amount is None:
        return "–"
    return f"{amount:,.2f} USD" if amount >= 1 else f"{amount:.4f} USD"


def duration(seconds: float | None) -> str:
    """Seconds as ``3 h 05 min``, ``12 min 30 s`` or ``8 s``."""
    if seconds is None:
        return "–"
    total = round(seconds)
    hours, minutes = total // 3600, total % 3600 // 60
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {total % 60:02d} s" if minutes else f"{total} s"
