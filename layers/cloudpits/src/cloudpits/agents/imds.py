"""Client of the EC2 instance metadata service, version 2: who this instance is, and whether AWS will take it.

Paths and documents are those of the AWS user guide ("Instance metadata", "Spot Instance interruption notices",
"EC2 instance rebalance recommendations"). ``AWS_EC2_METADATA_SERVICE_ENDPOINT`` names another endpoint, as in
the AWS SDKs.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from cloudpits.domain.errors import CloudError

DEFAULT_ENDPOINT = "http://169.254.169.254"
ENDPOINT_VARIABLE = "AWS_EC2_METADATA_SERVICE_ENDPOINT"
TOKEN_TTL_S = 21600  # the longest that the service grants


class MetadataError(CloudError):
    """The metadata service does not answer, or answers what cannot be understood."""

    def __init__(self, message: str) -> None:
        super().__init__(f"instance metadata service: {message}", code="InstanceMetadata")


@dataclass(frozen=True, slots=True)
class Identity:
    """Which instance this is."""

    instance_id: str
    instance_type: str
    availability_zone: str
    private_ip: str


@dataclass(frozen=True, slots=True)
class SpotAction:
    """What AWS will do to this spot instance (terminate, stop, hibernate), and when (Unix seconds)."""

    action: str
    at: float


class MetadataService:
    """Metadata by name; every request carries a session token, renewed when the service says it has expired."""

    def __init__(self, endpoint: str = DEFAULT_ENDPOINT, timeout_s: float = 2.0) -> None:
        parts = urlsplit(endpoint)
        if parts.scheme != "http" or parts.hostname is None:
            raise MetadataError(f"endpoint {endpoint!r} is not an http:// address")
        self._host = parts.hostname
        self._port = parts.port
        self._prefix = parts.path.rstrip("/")
        self._timeout_s = timeout_s
        self._token: str | None = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> MetadataService:
        """The service at the endpoint that the environment names, else at the link-local address."""
        return cls(environ.get(ENDPOINT_VARIABLE) or DEFAULT_ENDPOINT)

    def identity(self) -> Identity:
        """Who this instance is; MetadataError if anything of it is missing."""
        return Identity(
            instance_id=self._required("instance-id"),
            instance_type=self._required("instance-type"),
            availability_zone=self._required("placement/availability-zone"),
            private_ip=self._required("local-ipv4"),
        )

    def spot_action(self) -> SpotAction | None:
        """The interruption notice; None while there is none."""
        document = self._json("spot/instance-action")
        if document is None:
            return None
        return SpotAction(document.get("action", "terminate"), _instant(document, "time"))

    def rebalance_advised_at(self) -> float | None:
        """When AWS advised (Unix seconds) to move elsewhere, the risk of an interruption being raised."""
        document = self._json("events/recommendations/rebalance")
        return None if document is None else _instant(document, "noticeTime")

    def get(self, name: str) -> str | None:
        """The metadata ``name``; None if this instance has no such metadata."""
        if self._token is None:
            self._token = self._new_token()
        status, body = self._request("GET", f"/latest/meta-data/{name}", {"X-aws-ec2-metadata-token": self._token})
        if status == HTTPStatus.UNAUTHORIZED:
            self._token = self._new_token()
            status, body = self._request("GET", f"/latest/meta-data/{name}", {"X-aws-ec2-metadata-token": self._token})
        if status == HTTPStatus.NOT_FOUND:
            return None
        if status != HTTPStatus.OK:
            raise MetadataError(f"{name}: status {status}")
        return body

    def _required(self, name: str) -> str:
        value = self.get(name)
        if not value:
            raise MetadataError(f"{name} is missing")
        return value

    def _json(self, name: str) -> dict[str, str] | None:
        body = self.get(name)
        if body is None:
            return None
        try:
            document = json.loads(body)
        except ValueError:
            raise MetadataError(f"{name}: not JSON") from None
        if not isinstance(document, dict):
            raise MetadataError(f"{name}: not a JSON object")
        return document

    def _new_token(self) -> str:
        headers = {"X-aws-ec2-metadata-token-ttl-seconds": str(TOKEN_TTL_S)}
        status, body = self._request("PUT", "/latest/api/token", headers)
        if status != HTTPStatus.OK:
            raise MetadataError(f"token refused with status {status}")
        return body

    def _request(self, method: str, path: str, headers: Mapping[str, str]) -> tuple[int, str]:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)
        try:
            connection.request(method, self._prefix + path, headers=dict(headers))
            response = connection.getresponse()
            return response.status, response.read().decode()
        except (OSError, http.client.HTTPException, UnicodeDecodeError) as error:
            raise MetadataError(f"{method} {path}: {error}") from error
        finally:
            connection.close()


def _instant(document: Mapping[str, str], field: str) -> float:
    """The ISO 8601 time in ``field`` as Unix seconds."""
    try:
        return datetime.fromisoformat(document[field]).timestamp()
    except (KeyError, TypeError, ValueError):
        raise MetadataError(f"no usable {field!r} in {document}") from None
