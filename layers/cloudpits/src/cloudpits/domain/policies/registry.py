"""The policies by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cloudpits.domain.errors import InvalidInputError
from cloudpits.domain.policies.base import Policy
from cloudpits.domain.policies.cheapest_on_demand import CheapestOnDemand
from cloudpits.domain.policies.cut_replace import CutReplace
from cloudpits.domain.policies.lowest_price import LowestPrice
from cloudpits.domain.policies.mpc import mpc
from cloudpits.domain.policies.price_capacity import PriceCapacity
from cloudpits.domain.policies.static_best import static_best
from cloudpits.domain.policies.threshold_2019 import Threshold2019
from cloudpits.domain.policies.uniform_progress import UniformProgress

DEFAULT = "mpc"
_FACTORIES: Mapping[str, Callable[..., Policy]] = {
    "mpc": mpc,
    "threshold-2019": Threshold2019,
    "cheapest-on-demand": CheapestOnDemand,
    "lowest-price": LowestPrice,
    "price-capacity": PriceCapacity,
    "cut-replace": CutReplace,
    "uniform-progress": UniformProgress,
    "static-best": static_best,
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
