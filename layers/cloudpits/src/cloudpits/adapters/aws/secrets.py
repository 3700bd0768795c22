"""Secrets Manager: the database's address and password."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cloudpits.adapters.aws.errors import cloud_errors
from cloudpits.domain.errors import InvalidInputError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


def read_secret(secrets: SecretsManagerClient, name: str) -> Mapping[str, Any]:
    """The JSON object stored under ``name`` (ARN or name); its content never appears in an error."""
    with cloud_errors(f"reading the secret {name}"):
        text = secrets.get_secret_value(SecretId=name)["SecretString"]
    try:
        content = json.loads(text)
    except json.JSONDecodeError:
        content = None
    if not isinstance(content, dict):
        raise InvalidInputError(f"secret {name}: must be a JSON object with host, port, username, password, dbname")
    return content
