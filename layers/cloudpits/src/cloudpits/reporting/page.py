"""One self-contained HTML page: headings, figures, tables; no network needed to open it."""

from __future__ import annotations

import math
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
th{position:sticky;top:0;background:#fff} td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
"""
_LAYOUT = {
    "template": "plotly_white",
    "font": {"family": "system-ui, sans-serif", "size": 13},
    "margin": {"l": 64, "r": 24, "t": 36, "b": 52},
    "height": 400,
    "legend": {"orientation": "h", "y": -0.28},
    "colorway": ["#2a6fb0", "#d9762b", "#3c9c63", "#b2476b", "#7a5fb5", "#8a7440", "#2f9aa0", "#666f7a"],
}
_LIMIT = {"showarrow": False, "font": {"size": 12}}
_DECADE = 10.0


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


def regime(document: Document) -> str:
    """The world that was played, and whether it is a synthetic one."""
    return f"{document['regime']} (synthetic)" if document["synthetic"] else str(document["regime"])


def chart(title: str, note: str, figure: go.Figure) -> Section:
    """A section holding an interactive figure."""
    figure.update_layout(**_LAYOUT)
    body = figure.to_html(full_html=False, include_plotlyjs=False, config={"displaylogo": False, "responsive": True})
    return Section(title, note, body)


def _cell(value: Cell) -> str:
    if isinstance(value, str) or value is None:
        return f"<td>{escape(value or '')}</td>"
    return f'<td class="n">{value:,.6g}</td>'


def _heading(column: str, cells: Sequence[Cell]) -> str:
    """Above figures, on the side where figures stand."""
    figures = bool(cells) and not any(isinstance(cell, str) or cell is None for cell in cells)
    kind = ' class="n"' if figures else ""
    return f"<th{kind}>{escape(column)}</th>"


def notes(lines: Iterable[str]) -> list[Section]:
    """What the figures rest on, each said once; no section at all where there is nothing to say."""
    said = [[line] for line in dict.fromkeys(lines)]
    return [table("What the figures rest on", "And why runs were refused or given up.", ["note"], said)] if said else []


def mark_limits(figure: go.Figure, budgets: Sequence[float], deadlines: Sequence[float]) -> None:
    """Dotted lines at budgets (USD, across) and deadlines (hours, upright)."""
    for usd in budgets:
        figure.add_hline(y=usd, line_dash="dot", line_color="#666f7a")
        figure.add_annotation(
            x=0,
            xref="x domain",
            y=_on_axis(figure.layout.yaxis, usd),
            text="budget",
            **_LIMIT,
            yanchor="bottom",
            xanchor="left",
            xshift=4,
        )
    for hour in deadlines:
        figure.add_vline(x=hour, line_dash="dot", line_color="#666f7a")
        figure.add_annotation(
            y=1,
            yref="y domain",
            x=_on_axis(figure.layout.xaxis, hour),
            text="deadline",
            **_LIMIT,
            yanchor="top",
            xanchor="right",
        )


def _on_axis(axis: go.layout.XAxis | go.layout.YAxis, value: float) -> float:
    """Where an annotation stands: plotly wants the exponent on a logarithmic axis, other than for lines."""
    return math.log10(value) if axis.type == "log" else value


def axis(title: str, values: Iterable[float]) -> dict[str, Any]:
    """Logarithmic where the values span more than a decade: a linear axis would show one of them and a heap."""
    positive = [value for value in values if value > 0.0]
    if not positive or max(positive) <= _DECADE * min(positive):
        return {"title": title, "type": "linear"}
    decades = range(math.floor(math.log10(min(positive))), math.ceil(math.log10(max(positive))) + 1)
    ticks = [digit * _DECADE**decade for decade in decades for digit in (1, 2, 5)]
    return {"title": title, "type": "log", "tickvals": ticks, "ticktext": [f"{tick:,g}" for tick in ticks]}


def table(title: str, note: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Section:
    """A section holding a table; all text is escaped."""
    shown = [*rows]
    head = "".join(_heading(column, [row[i] for row in shown]) for i, column in enumerate(columns))
    lines = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in shown)
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
