"""The policies by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cloudpits.domain.errors import InvalidInputError
from cloudpits.domain.policies.base import Policy
from cloudpits.domain.policies.lowest_price import LowestPrice
from cloudpits.domain.policies.mpc import Mpc

DEFAULT = "mpc"
_FACTORIES: Mapping[str, Callable[..., Policy]] = {
    "mpc": Mpc,
    "lowest-price": LowestPrice,
}
NAMES: tuple[str, ...] = tuple(_FACTORIES)


def get(name: str, **options: Any) -> Policy:
    """The policy called ``name``, made with ``options``; InvalidInputError lists the names or the bad option."""
    factory = _FACTORIES.get(name)
    if factory is None:
        raise InvalidInputError(f"policy: {name!r} is not known; choose one of {', '.join(NAMES)}")
    try:
        return factory(**options)
    except TypeError as error:
        raise InvalidInputError(f"policy {name}: {error}") from None
