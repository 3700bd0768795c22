"""What the migrator function does: bring the database that its environment names up to date."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from cloudpits.adapters.mysql.connection import connect
from cloudpits.adapters.mysql.migrations import migrate
from cloudpits.adapters.mysql.secret import read_secret
from cloudpits.config.environment import read_environment

if TYPE_CHECKING:  # the stubs are a development dependency; the layer does not carry them
    from mypy_boto3_secretsmanager import SecretsManagerClient


class MigratorEnvironment(BaseModel):
    """Variables of the migrator function (with the prefix ``CLOUDPITS_``)."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    database_secret: str


def migrate_database(client: SecretsManagerClient, directory: Path) -> list[str]:
    """Apply the migrations in ``directory`` to the database of ``CLOUDPITS_DATABASE_SECRET``; return their names."""
    environment = read_environment(MigratorEnvironment, os.environ)
    with connect(read_secret(client, environment.database_secret)) as database:
        return migrate(database, directory)
