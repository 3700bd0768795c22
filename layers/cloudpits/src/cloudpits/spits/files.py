"""Files that others read while we write them."""

from __future__ import annotations

import json
import os
from pathlib import Path


def write_atomically(path: Path, document: dict[str, object]) -> None:
    """Replace a JSON file so that a reader sees the old or the new one, never a part."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(document), encoding="utf-8")
    temporary.replace(path)
