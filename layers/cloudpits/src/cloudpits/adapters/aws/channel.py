"""The mailbox as JSON objects in S3: ``runs/<run>/progress.json``, ``control.json`` and ``notices/<instance>.json``.

S3 writes are atomic and reads strongly consistent, so each object always holds one whole message, the newest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import ClientError
from pydantic import TypeAdapter, ValidationError

from cloudpits.adapters.aws.errors import cloud_errors
from cloudpits.domain.errors import CloudError
from cloudpits.domain.ports import Control, Notice, Progress

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_Message = TypeVar("_Message")
_PROGRESS: TypeAdapter[Progress] = TypeAdapter(Progress)
_CONTROL: TypeAdapter[Control] = TypeAdapter(Control)
_NOTICE: TypeAdapter[Notice] = TypeAdapter(Notice)


class S3Channel:
    """The mailbox of one run; used by the controller, the spot-event function and the agents."""

    def __init__(self, s3: S3Client, bucket: str, run: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._prefix = f"runs/{run}/"

    def progress(self) -> Progress | None:
        return self._read("progress.json", _PROGRESS)

    def publish_progress(self, progress: Progress) -> None:
        self._write("progress.json", _PROGRESS.dump_json(progress))

    def control(self) -> Control | None:
        return self._read("control.json", _CONTROL)

    def publish_control(self, control: Control) -> None:
        self._write("control.json", _CONTROL.dump_json(control))

    def notices(self) -> Sequence[Notice]:
        found = (self._read(name, _NOTICE) for name in self._names("notices/"))
        return tuple(notice for notice in found if notice is not None)

    def publish_notice(self, notice: Notice) -> None:
        self._write(f"notices/{notice.instance_id}.json", _NOTICE.dump_json(notice))

    def _names(self, folder: str) -> list[str]:
        prefix = self._prefix + folder
        with cloud_errors(f"listing s3://{self._bucket}/{prefix}"):
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            return [item["Key"].removeprefix(self._prefix) for page in pages for item in page.get("Contents", ())]

    def _write(self, name: str, body: bytes) -> None:
        with cloud_errors(f"writing {self._uri(name)}"):
            self._s3.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=body, ContentType="application/json")

    def _read(self, name: str, adapter: TypeAdapter[_Message]) -> _Message | None:
        body = self._body(name)
        if body is None:
            return None
        try:
            return adapter.validate_json(body)
        except ValidationError as error:
            raise CloudError(f"{self._uri(name)} is not a message of CloudPITS: {error.errors()[0]['msg']}") from None

    def _body(self, name: str) -> bytes | None:
        with cloud_errors(f"reading {self._uri(name)}"):
            try:
                return self._s3.get_object(Bucket=self._bucket, Key=self._prefix + name)["Body"].read()
            except ClientError as error:
                if error.response["Error"]["Code"] == "NoSuchKey":
                    return None
                raise

    def _uri(self, name: str) -> str:
        return f"s3://{self._bucket}/{self._prefix}{name}"
