"""What a root volume costs: general purpose SSD (gp3), without extra throughput or operations."""

from __future__ import annotations

HOURS_PER_MONTH = 730.0  # as AWS counts them
# Facts of the AWS price list, USD per GiB and month.
_USD_PER_GIB_MONTH = {
    "af-south-1": 0.1047,
    "ap-east-1": 0.1056,
    "ap-northeast-1": 0.096,
    "ap-northeast-2": 0.0912,
    "ap-northeast-3": 0.096,
    "ap-south-1": 0.0912,
    "ap-southeast-1": 0.096,
    "ap-southeast-2": 0.096,
    "ca-central-1": 0.088,
    "eu-central-1": 0.0952,
    "eu-north-1": 0.0836,
    "eu-south-1": 0.0924,
    "eu-west-1": 0.088,
    "eu-west-2": 0.0928,
    "eu-west-3": 0.0928,
    "me-south-1": 0.0968,
    "sa-east-1": 0.152,
    "us-east-1": 0.08,
    "us-east-2": 0.08,
    "us-west-1": 0.096,
    "us-west-2": 0.08,
}
_DEAREST = max(_USD_PER_GIB_MONTH.values())


def volume_usd_per_hour(region: str, gib: float) -> float:
    """USD per hour of ``gib`` GiB; in a region that is not listed, as in the dearest one, so that a budget holds."""
    return gib * _USD_PER_GIB_MONTH.get(region, _DEAREST) / HOURS_PER_MONTH
