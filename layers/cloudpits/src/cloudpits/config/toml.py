"""Reads TOML files; what cannot be read is told in one line."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from cloudpits.domain.errors import InvalidInputError


def read_toml(path: Path, missing: str) -> dict[str, Any]:
    """The document in ``path``; InvalidInputError says what is wrong with the file, ``missing`` if there is none."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InvalidInputError(f"{path}: {missing}") from None
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be read: {error.strerror}; give a TOML file") from None
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{path}: cannot be read as UTF-8 text: {error.reason}; give a TOML file") from None
    except (ValueError, RecursionError) as error:  # the former also for numbers of thousands of digits
        raise InvalidInputError(f"{path}: not valid TOML: {error}") from None
