"""The benchmark scripts run, and keep their promises on a few seeds."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_policy_benchmark_keeps_budgets_and_bound(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "policies.py"), "--quick", "--runs", "2", "--processes", "1"]
    command += ["--policies", "mpc,threshold-2019", "--regimes", "calm,stock-out"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=250, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "medium, stock-out (synthetic)" in done.stdout
    assert "budgets kept and the optimum undercut by no run, 2 seeds per table" in done.stdout


def test_the_kept_results_are_those_of_a_full_benchmark() -> None:
    results = json.loads((ROOT / "benchmarks" / "results" / "policies.json").read_text(encoding="utf-8"))
    assert results["runs"] >= 100
    rows = [row for table in results["tables"] for row in table["policies"]]
    assert rows
    assert all(row["budget_violations"] == 0 for row in rows if row["policy"] != "no ledger")
    assert any(row["budget_violations"] > 0 for row in rows if row["policy"] == "no ledger")  # it is good for something


def test_the_page_of_benchmarks_shows_the_kept_results() -> None:
    specification = spec_from_file_location("benchmark_tables", ROOT / "tools" / "benchmark_tables.py")
    assert specification is not None
    assert specification.loader is not None
    tables = module_from_spec(specification)
    specification.loader.exec_module(tables)
    page = tables.PAGE.read_text(encoding="utf-8")
    assert tables.written(page) == page, "python tools/benchmark_tables.py writes it anew"
