"""Brings the database to the current schema; called during deployments, harmless at any other time."""

from pathlib import Path
from typing import Any

from cloudpits import bootstrap

_MIGRATIONS = Path(__file__).with_name("migrations")  # put there when the function is bundled


@bootstrap.logger.inject_lambda_context
def handler(_event: dict[str, Any], _context: Any) -> dict[str, list[str]]:
    """Answer with the names of the migrations applied now."""
    return {"applied": bootstrap.migrator(_MIGRATIONS)()}
