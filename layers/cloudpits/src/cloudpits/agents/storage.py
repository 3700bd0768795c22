"""Files in S3, named by URI."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from boto3.exceptions import S3UploadFailedError

from cloudpits.adapters.aws.errors import cloud_errors
from cloudpits.domain.errors import CloudError, InvalidInputError

if TYPE_CHECKING:  # the stubs are a development dependency
    from mypy_boto3_s3 import S3Client


class ObjectStore(Protocol):
    """Whole objects by URI. Every method may raise CloudError."""

    def download(self, uri: str, path: Path) -> None:
        """Write the object to ``path``."""
        ...

    def upload(self, path: Path, uri: str) -> None: ...

    def put(self, uri: str, body: bytes) -> None: ...

    def names(self, prefix: str) -> Sequence[str]:
        """URIs that start with ``prefix``, sorted."""
        ...


class S3Store:
    """Objects in Amazon S3."""

    def __init__(self, s3: S3Client) -> None:
        self._s3 = s3

    def download(self, uri: str, path: Path) -> None:
        bucket, key = split_uri(uri)
        with cloud_errors(f"reading {uri}"):
            self._s3.download_file(bucket, key, str(path))

    def upload(self, path: Path, uri: str) -> None:
        bucket, key = split_uri(uri)
        try:
            with cloud_errors(f"writing {uri}"):
                self._s3.upload_file(str(path), bucket, key)
        except S3UploadFailedError as error:  # boto3 hides the service's error in this one
            raise CloudError(str(error), "S3UploadFailed") from error

    def put(self, uri: str, body: bytes) -> None:
        bucket, key = split_uri(uri)
        with cloud_errors(f"writing {uri}"):
            self._s3.put_object(Bucket=bucket, Key=key, Body=body)

    def names(self, prefix: str) -> Sequence[str]:
        bucket, start = split_uri(prefix)
        with cloud_errors(f"listing {prefix}"):
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=start)
            return sorted(f"s3://{bucket}/{item['Key']}" for page in pages for item in page.get("Contents", ()))


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of ``s3://bucket/key``; InvalidInputError for anything else."""
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "s3" or not bucket:
        raise InvalidInputError(f"{uri!r} is not an S3 address; write s3://bucket/key")
    return bucket, key
