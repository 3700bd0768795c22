"""The metrics a compiled module keeps, read through the functions it exports (ABI 2)."""

from __future__ import annotations

import ctypes
from typing import Any, Final

from cloudpits.spits.metrics import CAPACITY

_KINDS: Final = ("int", "float", "string", "bytes")


class BufferInfo(ctypes.Structure):
    """``buffer_info``."""

    _fields_ = (("name", ctypes.c_char_p), ("type", ctypes.c_int), ("capacity", ctypes.c_uint))


class BufferInfos(ctypes.Structure):
    """``buffer_infos``."""

    _fields_ = (("quantity", ctypes.c_uint), ("infos", ctypes.POINTER(BufferInfo)))


class MetricData(ctypes.Union):
    """The union in ``metric_info``."""

    _fields_ = (("pointer", ctypes.c_void_p), ("integer", ctypes.c_int), ("real", ctypes.c_float))


class MetricInfo(ctypes.Structure):
    """``metric_info``."""

    _fields_ = (
        ("data", MetricData),
        ("data_size", ctypes.c_uint),
        ("seconds", ctypes.c_ulong),
        ("nano_seconds", ctypes.c_ulong),
        ("sequence_no", ctypes.c_uint),
    )


class BufferMetrics(ctypes.Structure):
    """``buffer_metrics``."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("type", ctypes.c_uint),
        ("num_metrics", ctypes.c_uint),
        ("metrics", ctypes.POINTER(MetricInfo)),
    )


class NativeMetrics:
    """The module's metric buffers."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        library.spits_metrics_new.restype = ctypes.c_void_p
        library.spits_metrics_new.argtypes = (ctypes.c_uint,)
        library.spits_get_num_buffers.restype = ctypes.c_uint
        library.spits_get_num_buffers.argtypes = (ctypes.c_void_p,)
        library.spits_get_metrics_list.restype = ctypes.POINTER(BufferInfos)
        library.spits_get_metrics_list.argtypes = (ctypes.c_void_p,)
        library.spits_free_metric_list.restype = None
        library.spits_free_metric_list.argtypes = (ctypes.c_void_p,)
        library.spits_get_metrics_history.restype = ctypes.POINTER(BufferMetrics)
        library.spits_get_metrics_history.argtypes = (
            ctypes.c_void_p,
            ctypes.c_uint,
            ctypes.POINTER(ctypes.c_char_p),
            ctypes.POINTER(ctypes.c_int),
        )
        library.spits_free_metrics_history.restype = None
        library.spits_free_metrics_history.argtypes = (ctypes.c_void_p, ctypes.c_uint)
        self.handle = ctypes.c_void_p(library.spits_metrics_new(CAPACITY))

    def as_json(self) -> dict[str, object]:
        """All buffers, shaped as in the metrics message."""
        if not self._library.spits_get_num_buffers(self.handle):
            return {}
        listing = self._library.spits_get_metrics_list(self.handle)
        try:
            infos = listing.contents
            capacities = {infos.infos[i].name: int(infos.infos[i].capacity) for i in range(infos.quantity)}
        finally:
            self._library.spits_free_metric_list(listing)
        return self._histories(capacities)

    def _histories(self, capacities: dict[bytes, int]) -> dict[str, object]:
        count = len(capacities)
        names = (ctypes.c_char_p * count)(*capacities)
        sizes = (ctypes.c_int * count)(*capacities.values())
        histories = self._library.spits_get_metrics_history(self.handle, count, names, sizes)
        if not histories:
            return {}
        try:
            return {
                histories[i].name.decode(errors="replace"): _history(histories[i], capacities[histories[i].name])
                for i in range(count)
            }
        finally:
            self._library.spits_free_metrics_history(histories, count)


def _history(buffer: BufferMetrics, capacity: int) -> dict[str, object]:
    kind = _KINDS[buffer.type] if buffer.type < len(_KINDS) else "bytes"
    values = [buffer.metrics[i] for i in range(buffer.num_metrics)]
    return {
        "type": kind,
        "capacity": capacity,
        "values": [
            {
                "value": _value(item, kind),
                "seconds": int(item.seconds),
                "nano_seconds": int(item.nano_seconds),
                "sequence_no": int(item.sequence_no),
                "data_size": int(item.data_size),
            }
            for item in values
        ],
    }


def _value(item: Any, kind: str) -> int | float | str:
    if kind == "int":
        return int(item.data.integer)
    if kind == "float":
        return float(item.data.real)
    data = ctypes.string_at(item.data.pointer, item.data_size) if item.data.pointer else b""
    return data.rstrip(b"\0").decode(errors="replace") if kind == "string" else data.hex()
