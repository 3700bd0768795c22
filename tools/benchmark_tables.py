"""Writes the tables of docs/benchmarks.md from benchmarks/results/*.json, between the comments that name them.

python tools/benchmark_tables.py            # after `make bench`
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"
RESULTS = ROOT / "benchmarks" / "results"
Json = dict[str, Any]


def results(name: str) -> Json:
    """The kept results of a benchmark."""
    document: Json = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return document


def table(head: str, rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown; ``head`` names its columns."""
    columns = head.split(" | ")
    body = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    return f"| {head} |\n|{'---|' * len(columns)}\n{body}".rstrip("\n")


def share(value: float | None, sign: str = "") -> str:
    """A share in per cent; a dash where there is none."""
    return "–" if value is None else f"{100.0 * value:{sign}.1f} %"


def policies() -> str:
    """The default policy against the optimum and the other policies, a row for each job and regime."""
    head = (
        "job, regime | runs | regret p50 / p95 | by own luck p50 / p95 | median USD (or hours) | "
        "against `threshold-2019` | against the best other policy"
    )
    return table(head, (_regime(item) for item in results("policies")["tables"] if "ablations" not in item["title"]))


def _regime(item: Json) -> list[str]:
    mpc = next(policy for policy in item["policies"] if policy["policy"] == "mpc")
    rivals = {pair["policy"]: pair for pair in item["paired"]}
    enough = [pair for pair in rivals.values() if 2 * pair["seeds"] >= item["runs"] and _gap(pair) is not None]
    best = max(enough, key=_gap, default=None)  # type: ignore[arg-type]  # those without a gap are left out above
    old = rivals["threshold-2019"]
    fastest = item["title"].startswith("fastest")
    return [
        item["title"],
        str(item["runs"]),
        f"{share(mpc['regret']['p50'])} / {share(mpc['regret']['p95'])}",
        f"{share(mpc['regret_by_own_luck']['p50'])} / {share(mpc['regret_by_own_luck']['p95'])}",
        f"{mpc['makespan_s']['p50'] / 3600.0:.2f} h" if fastest else f"{mpc['cost_usd']['p50']:.3f}",
        share(_gap(old), "+") if 2 * old["seeds"] >= item["runs"] else f"it completes {old['seeds']}",
        "–" if best is None else f"{share(_gap(best), '+')} ({best['policy']})",
    ]


def _gap(pair: Json) -> float | None:
    """The paired median, of cost or of time."""
    return next((value for key, value in pair.items() if key.startswith("median")), None)


def ablations() -> str:
    """A table for each job on which something was switched off."""
    head = "variant | median USD | completed | budgets exceeded | regret p50"
    parts = []
    for item in results("policies")["tables"]:
        if "ablations" in item["title"]:
            rows = (
                [
                    policy["policy"],
                    f"{policy['cost_usd']['p50']:.3f}",
                    f"{policy['completed_share']:.0%}",
                    str(policy["budget_violations"]),
                    share(policy["regret"]["p50"]),
                ]
                for policy in item["policies"]
            )
            parts.append(f"*{item['title']}*\n\n{table(head, rows)}")
    return "\n\n".join(parts)


def decisions() -> str:
    """Processor time of one decision."""
    rows = (
        [
            case["case"],
            f"{case['median_ms']:.2f} ms",
            f"{case['max_ms']:.1f} ms",
            f"{case['first_decision_ms']:.1f} ms",
            f"{case['limit_ms']:g} ms",
        ]
        for case in results("decide")["cases"]
    )
    return table("case | median | most | first decision | aim", rows)


def simulator() -> str:
    """One simulated cycle, and a thousand ten-hour runs."""
    measured = results("simulator")
    rows = (
        [
            f"`{cycle['policy']}`",
            f"{cycle['cpu_ms']:.2f} ms",
            f"{cycle['times_faster']:,.0f} ×",
            f"{sweep['seconds_per_1000']:.0f} s",
            "300 ×, 60 s",
        ]
        for cycle, sweep in zip(measured["cycles"], measured["sweeps"], strict=True)
    )
    return table("policy | one cycle | against the original | a thousand ten-hour runs | aim", rows)


TABLES = {"policies": policies, "ablations": ablations, "decisions": decisions, "simulator": simulator}


def written(page: str) -> str:
    """The page with its tables made anew; KeyError if it lacks the place of one."""
    for name, make in TABLES.items():
        begin, end = f"<!-- {name} -->\n", f"\n<!-- end of {name} -->"
        if begin not in page or end not in page:
            raise KeyError(f"{PAGE.name}: no place for the table {name}")
        before, rest = page.split(begin, 1)
        page = before + begin + make() + end + rest.split(end, 1)[1]
    return page


def main() -> int:
    """Write the page."""
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
