"""Runs every benchmark, each in a process of its own; each prints its table and writes its results/*.json.

python benchmarks/run_all.py            # all of them (make bench)
python benchmarks/run_all.py decide     # those whose name begins so
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent


def chosen(prefixes: list[str]) -> list[Path]:
    """Benchmark scripts, all of them or those that begin with one of ``prefixes``."""
    scripts = sorted(path for path in HERE.glob("*.py") if path != Path(__file__).resolve())
    return [path for path in scripts if not prefixes or path.stem.startswith(tuple(prefixes))]


def main() -> int:
    """Exit code 1 if any benchmark failed, 2 if none was named."""
    scripts = chosen(sys.argv[1:])
    if not scripts:
        known = ", ".join(path.stem for path in chosen([]))
        print(f"no such benchmark; known: {known}", file=sys.stderr)
        return 2
    failed = []
    for script in scripts:
        print(f"\n=== {script.stem}", flush=True)
        started = time.monotonic()
        if subprocess.run([sys.executable, str(script)], check=False).returncode != 0:
            failed.append(script.stem)
        print(f"=== {script.stem}: {time.monotonic() - started:.0f} s", flush=True)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
