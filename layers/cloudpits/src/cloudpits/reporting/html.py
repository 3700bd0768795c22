"""Writes HTML reports: one self-contained file per kind of result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from cloudpits.domain.errors import InvalidInputError
from cloudpits.reporting import comparison, plan, run, simulation
from cloudpits.reporting.page import Document

KINDS: Mapping[str, Callable[[Document], str]] = {
    "plan": plan.render,
    "simulation": simulation.render,
    "comparison": comparison.render,
    "run": run.render,
}


def write_report(kind: str, document: Document, path: Path) -> None:
    """Write the report of a ``--json`` document; InvalidInputError when the file cannot be written."""
    html = KINDS[kind](document)
    try:
        path.write_text(html, encoding="utf-8")
    except OSError as error:
        raise InvalidInputError(f"--report: {path} cannot be written: {error.strerror}") from None
