"""Brings the database to the current schema; called during deployments, harmless at any other time."""

import os
from pathlib import Path
from typing import Any

from cloudpits.adapters.aws.clients import client
from cloudpits.adapters.mysql.migrator import migrate_database


def handler(_event: dict[str, Any], _context: object) -> dict[str, list[str]]:
    """Answer with the names of the migrations applied now."""
    secrets = client("secretsmanager", os.environ["AWS_REGION"])
    return {"applied": migrate_database(secrets, Path(__file__).with_name("migrations"))}
