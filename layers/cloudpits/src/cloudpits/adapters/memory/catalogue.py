"""A catalogue given as instance types and zones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from cloudpits.domain.model import InstanceType


class MemoryCatalogue:
    """Every type is offered in every zone; ``hazards`` are interruptions per hour."""

    def __init__(
        self, types: Iterable[InstanceType], zones: Sequence[str], hazards: Mapping[str, float] | None = None
    ) -> None:
        self._types = {kind.name: kind for kind in types}
        self._zones = tuple(zones)
        self._hazards = dict(hazards or {})

    def types(self, patterns: Iterable[str], architectures: Iterable[str]) -> Mapping[str, InstanceType]:
        patterns, architectures = tuple(patterns), tuple(architectures)
        return {
            name: kind
            for name, kind in self._types.items()
            if kind.architecture in architectures and any(fnmatchcase(name, pattern) for pattern in patterns)
        }

    def zones(self, instance_types: Iterable[str]) -> Mapping[str, Sequence[str]]:
        return {name: self._zones for name in instance_types if name in self._types}

    def interruptions_per_hour(self, instance_type: str) -> float | None:
        return self._hazards.get(instance_type)
