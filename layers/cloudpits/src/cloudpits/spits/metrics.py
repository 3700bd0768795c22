"""Metrics as the wire shows them: per name a type, a capacity and the latest values, oldest first."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final

Value = int | float | str | bytes
CAPACITY: Final = 10
_SIZES: Final = {int: 4, float: 4}
_NAMES: Final = {int: "int", float: "float", str: "string", bytes: "bytes"}


class MetricBook:
    """The latest ``capacity`` values of named metrics. ``clock`` gives seconds since the epoch."""

    def __init__(self, clock: Callable[[], float], capacity: int = CAPACITY) -> None:
        self._clock = clock
        self._capacity = capacity
        self._series: dict[str, deque[dict[str, object]]] = {}
        self._types: dict[str, str] = {}
        self._sequence: dict[str, int] = {}

    def set(self, name: str, value: Value) -> None:
        """Record a value of a metric."""
        now = self._clock()
        sequence = self._sequence.get(name, 0)
        self._sequence[name] = sequence + 1
        self._types[name] = _NAMES[type(value)]
        self._series.setdefault(name, deque(maxlen=self._capacity)).append(
            {
                "value": value.hex() if isinstance(value, bytes) else value,
                "seconds": int(now),
                "nano_seconds": int(now % 1 * 1e9),
                "sequence_no": sequence,
                "data_size": _SIZES.get(type(value)) or len(value if isinstance(value, bytes) else str(value)),
            }
        )

    def as_json(self) -> dict[str, object]:
        """The metrics message's object."""
        return {
            name: {"type": self._types[name], "capacity": self._capacity, "values": list(values)}
            for name, values in self._series.items()
        }


def merge(books: Iterable[dict[str, Any]]) -> dict[str, object]:
    """One book out of several workers': the latest values of each metric by time, numbered anew."""
    merged: dict[str, Any] = {}
    for book in books:
        for name, series in book.items():
            known = merged.setdefault(name, {**series, "values": []})
            known["values"] = known["values"] + series["values"]
    for series in merged.values():
        latest = sorted(series["values"], key=lambda value: (value["seconds"], value["nano_seconds"]))
        first = max(0, len(latest) - series["capacity"])
        series["values"] = [{**value, "sequence_no": first + i} for i, value in enumerate(latest[first:])]
    return merged
