"""One self-contained HTML page: headings, figures, tables; no network needed to open it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

Document = Mapping[str, Any]
Cell = str | float | int | None

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#1b2733;background:#f6f7f9;margin:0}
main{max-width:1100px;margin:0 auto;padding:24px}
h1{font-size:26px;margin:8px 0} h2{font-size:18px;margin:0 0 4px} p{margin:4px 0 8px;color:#46566a}
section{background:#fff;border:1px solid #dde3ea;border-radius:8px;padding:16px 20px;margin:16px 0}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px}
.facts div{background:#fff;border:1px solid #dde3ea;border-radius:8px;padding:10px 14px}
.facts b{display:block;font-size:20px} .facts span{color:#5b6b7f;font-size:13px}
.scroll{overflow-x:auto;max-height:480px;overflow-y:auto}
table{border-collapse:collapse;width:100%;font-size:13.5px}
th,td{text-align:left;padding:5px 10px;border-bottom:1px solid #e6ebf0;vertical-align:top}
td:first-child:not(:last-child){white-space:nowrap}
th{position:sticky;top:0;background:#fff} td.n{text-align:right;font-variant-numeric:tabular-nums}
"""
_LAYOUT = {
    "template": "plotly_white",
    "font": {"family": "system-ui, sans-serif", "size": 13},
    "margin": {"l": 64, "r": 24, "t": 36, "b": 52},
    "height": 400,
    "legend": {"orientation": "h", "y": -0.2},
    "colorway": ["#2a6fb0", "#d9762b", "#3c9c63", "#b2476b", "#7a5fb5", "#8a7440", "#2f9aa0", "#666f7a"],
}


@dataclass(frozen=True, slots=True)
class Section:
    """A block of the page: ``body`` is HTML made here, never text from outside."""

    title: str
    note: str
    body: str


def money(value: float | None) -> str:
    """Dollars for people; cents shown as fractions when they matter."""
    if value is None:
        return "–"
    return f"${value:,.2f}" if value == 0.0 or abs(value) >= 1.0 else f"${value:.4f}"


def hours(seconds: float | None) -> str:
    """A duration for people."""
    if seconds is None:
        return "–"
    whole = round(seconds / 60.0)
    return f"{whole // 60} h {whole % 60:02d} min" if whole >= 60 else f"{whole} min"  # noqa: PLR2004  # minutes an hour


def share(value: float | None) -> str:
    """A share as percent."""
    return "–" if value is None else f"{value:.1%}"


def chart(title: str, note: str, figure: go.Figure) -> Section:
    """A section holding an interactive figure."""
    figure.update_layout(**_LAYOUT)
    body = figure.to_html(full_html=False, include_plotlyjs=False, config={"displaylogo": False, "responsive": True})
    return Section(title, note, body)


def _cell(value: Cell) -> str:
    if isinstance(value, str) or value is None:
        return f"<td>{escape(value or '')}</td>"
    return f'<td class="n">{value:,.6g}</td>'


def table(title: str, note: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Section:
    """A section holding a table; all text is escaped."""
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    lines = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    body = f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>'
    return Section(title, note, body)


def _facts(facts: Mapping[str, str]) -> str:
    boxes = "".join(f"<div><b>{escape(value)}</b><span>{escape(name)}</span></div>" for name, value in facts.items())
    return f'<div class="facts">{boxes}</div>'


def _section(section: Section) -> str:
    return f"<section><h2>{escape(section.title)}</h2><p>{escape(section.note)}</p>{section.body}</section>"


def page(title: str, lead: str, facts: Mapping[str, str], sections: Iterable[Section]) -> str:
    """The whole document."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
        f"<script>{get_plotlyjs()}</script></head><body><main>"
        f"<h1>{escape(title)}</h1><p>{escape(lead)}</p>{_facts(facts)}"
        f"{''.join(map(_section, sections))}</main></body></html>"
    )
