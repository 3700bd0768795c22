"""The database's address and password from AWS Secrets Manager, where the shared stack keeps them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cloudpits.adapters.aws.errors import cloud_errors
from cloudpits.domain.errors import InvalidInputError

if TYPE_CHECKING:  # the stubs are a development dependency; the layer does not carry them
    from mypy_boto3_secretsmanager import SecretsManagerClient


def read_secret(client: SecretsManagerClient, secret_id: str) -> dict[str, Any]:
    """The secret as ``parse_address`` takes it; CloudError if it cannot be read, InvalidInputError if it is no JSON."""
    with cloud_errors(f"read the database secret {secret_id}"):
        text = client.get_secret_value(SecretId=secret_id).get("SecretString", "")
    try:
        secret = json.loads(text)
    except ValueError:
        secret = None
    if not isinstance(secret, dict):
        # "from None" above all: the decoder's error carries the text it could not read.
        raise InvalidInputError(f"database secret {secret_id}: not a JSON object; store it as RDS does") from None
    return secret
