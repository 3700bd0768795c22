"""The bucket through which controller and instances talk, and in which runs leave their output."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct


def list_objects(bucket: s3.IBucket, prefix: str) -> iam.PolicyStatement:
    """Allow to list what is under ``prefix``, and to be told "not found" instead of "denied" for what is missing.

    S3 says "not found" only to those who may list; a plain read carries no prefix, hence ``IfExists``.
    """
    return iam.PolicyStatement(
        actions=["s3:ListBucket"],
        resources=[bucket.bucket_arn],
        conditions={"StringLikeIfExists": {"s3:prefix": f"{prefix}*"}},
    )


class ArtefactBucket(Construct):
    """Encrypted, private, TLS only; kept when the stack goes. Nothing in it is ever deleted by a rule."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            removal_policy=cdk.RemovalPolicy.RETAIN,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="runs-get-cheaper-with-age",
                    prefix="runs/",
                    transitions=[
                        s3.Transition(
                            storage_class=s3.StorageClass.INTELLIGENT_TIERING, transition_after=cdk.Duration.days(30)
                        )
                    ],
                ),
                s3.LifecycleRule(
                    id="abandoned-uploads-go", abort_incomplete_multipart_upload_after=cdk.Duration.days(7)
                ),
            ],
        )
