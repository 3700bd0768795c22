"""AWS error codes, translated once into the errors of ``cloudpits.domain.errors``: the code and what to do about it.

Codes: Amazon EC2 API reference, "Error codes"; Amazon S3 API reference, "Error responses".
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004  # botocore's name for every failure to reach an endpoint
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    TokenRetrievalError,
)

from cloudpits.domain.errors import AccessError, CapacityError, CloudError, QuotaError, ThrottledError


class Kind(NamedTuple):
    """The error that a set of codes becomes, and the remedy its message ends with."""

    error: type[CloudError]
    remedy: str
    codes: frozenset[str]


KINDS = (
    Kind(
        CapacityError,
        "the pool is left alone for a while; allow more instance types or zones if it keeps happening",
        frozenset(
            {
                "InsufficientInstanceCapacity",
                "InsufficientHostCapacity",
                "InsufficientCapacity",
                "InsufficientFreeAddressesInSubnet",
                "SpotMaxPriceTooLow",
                "UnfulfillableCapacity",
                "Unsupported",  # the type is not offered in this zone
            }
        ),
    ),
    Kind(
        QuotaError,
        "ask for a higher limit in the Service Quotas console, or lower max_workers or vcpu_quota",
        frozenset(
            {
                "InstanceLimitExceeded",
                "VcpuLimitExceeded",
                "MaxSpotInstanceCountExceeded",
                "RequestResourceCountExceeded",
                "VolumeLimitExceeded",
                "MaxIOPSLimitExceeded",
                "AddressLimitExceeded",
                "LimitExceededException",
            }
        ),
    ),
    Kind(
        ThrottledError,
        "nothing to do unless it lasts: the next cycle tries again",
        frozenset(
            {
                "EC2ThrottledException",
                "InternalError",
                "InternalFailure",
                "InternalServerError",
                "PriorRequestNotComplete",
                "RequestLimitExceeded",
                "RequestTimeout",
                "ServiceUnavailable",
                "SlowDown",
                "Throttling",
                "ThrottlingException",
                "TooManyRequestsException",
                "Unavailable",
            }
        ),
    ),
    Kind(
        AccessError,
        "check the credentials (aws sts get-caller-identity) and the permissions of their role",
        frozenset(
            {
                "AccessDenied",
                "AccessDeniedException",
                "AuthFailure",
                "Blocked",
                "ExpiredToken",
                "ExpiredTokenException",
                "InvalidClientTokenId",
                "MissingAuthenticationToken",
                "OptInRequired",
                "PendingVerification",
                "RequestExpired",
                "SignatureDoesNotMatch",
                "UnauthorizedOperation",
                "UnrecognizedClientException",
            }
        ),
    ),
)
_OTHER = Kind(CloudError, "see the code in the AWS documentation of this operation", frozenset())
_ACCESS = KINDS[-1]
_THROTTLED = KINDS[-2]


def kind_of(code: str) -> Kind:
    """The kind that ``code`` belongs to, with or without the prefix ``Server.`` or ``Client.``."""
    bare = code.removeprefix("Server.").removeprefix("Client.")
    return next((kind for kind in KINDS if bare in kind.codes), _OTHER)


def _message(what: str, code: str, detail: str, remedy: str) -> str:
    return f"{what}: AWS says {code}: {detail.rstrip('. ')}; {remedy}".replace("\n", " ")


def translate(error: ClientError | BotoCoreError, what: str) -> CloudError:
    """The domain's error for a failure of boto3; ``what`` says in plain words what was attempted."""
    if isinstance(error, ClientError):
        code = error.response.get("Error", {}).get("Code", "Unknown")
        detail = error.response.get("Error", {}).get("Message", "no explanation given")
        kind = kind_of(code)
        return kind.error(_message(what, code, detail, kind.remedy), code)
    code = type(error).__name__
    if isinstance(error, NoCredentialsError | PartialCredentialsError | TokenRetrievalError):
        return AccessError(_message(what, code, str(error), _ACCESS.remedy), code)
    if isinstance(error, ConnectionError | HTTPClientError):
        return ThrottledError(_message(what, code, str(error), _THROTTLED.remedy), code)
    return CloudError(_message(what, code, str(error), "check the region and the AWS configuration"), code)


@contextmanager
def cloud_errors(what: str) -> Iterator[None]:
    """Every failure of boto3 inside leaves as one of the domain's errors."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise translate(error, what) from error
