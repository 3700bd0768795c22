"""How much a type should compute before anything was measured: a guess from its hardware alone.

Only ratios between types matter: the absolute level is the program's and is learnt. Figures are general
facts of processors, not fitted to any program: two hyper-threads of a core do about 1.3 times the work of
one, work grows with the clock but less than in proportion, a newer generation does a few percent more per
cycle, and burstable types are throttled to a fraction of their vCPUs when they compute without pause. GPUs follow their
arithmetic and their memory.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache

from cloudpits.domain.model import InstanceType

HYPER_THREAD_YIELD = 0.65  # work of one of two threads of a core, in units of a thread that has the core alone
CLOCK_EXPONENT = 0.75  # memory does not get faster with the clock
GENERATION_GAIN = 0.05  # log work per generation at equal clock
REFERENCE_GENERATION = 5
REFERENCE_CLOCK_GHZ = 3.0
BURSTABLE_SHARE = 0.4
GPU_PRICE_EXPONENT = 0.5  # dearer GPUs are faster, but not in proportion; for families that the table lacks
GPU_PROCESSOR = "gpu/"  # what the name of a processor that is a GPU starts with
# Per GPU of a family: single-precision TFLOPS at boost clock and memory bandwidth in GB/s, from the vendors' data
# sheets. Programs are bound by one or the other: the geometric mean stands for both.
GPUS = {
    "g2": (2.4, 160.0),  # GRID K520
    "p2": (4.4, 240.0),  # K80, one of its two dies
    "g3": (4.8, 160.0),  # M60, one of its two dies
    "g3s": (4.8, 160.0),
    "p3": (15.7, 900.0),  # V100
    "p3dn": (15.7, 900.0),
    "g4dn": (8.1, 320.0),  # T4
    "g4ad": (7.4, 512.0),  # Radeon Pro V520
    "g5": (31.2, 600.0),  # A10G
    "g5g": (8.1, 320.0),  # T4G
    "p4d": (19.5, 1555.0),  # A100
    "p4de": (19.5, 2039.0),
    "g6": (30.3, 300.0),  # L4
    "gr6": (30.3, 300.0),
    "g6e": (91.6, 864.0),  # L40S
    "p5": (66.9, 3350.0),  # H100
    "p5e": (66.9, 4800.0),  # H200
    "p5en": (66.9, 4800.0),
}
_REFERENCE_GPU = math.sqrt(8.1 * 320.0)  # T4
_FAMILY = re.compile(r"^([a-z]+)(\d*)([a-z]*)")
_VENDORS = ("a", "g", "i")  # AMD, Graviton, Intel, as the letters after the generation say


@dataclass(frozen=True, slots=True)
class Capacity:
    """``log_work`` is ln of the expected relative rate; types with equal ``processor`` share their chip."""

    log_work: float
    log_size: float
    processor: str


@lru_cache(maxsize=4096)
def capacity_of(instance_type: InstanceType, *, on_gpus: bool = True) -> Capacity:
    """Relative capacity of a type from vCPUs, cores, clock and generation, or from the GPUs it has.

    ``on_gpus`` is False for programs that leave GPUs idle.
    """
    series, digits, suffix = _lineage(instance_type.family)
    generation = int(digits) if digits else REFERENCE_GENERATION
    if on_gpus and instance_type.gpus > 0:
        return _gpu_capacity(instance_type)
    threads = max(1, instance_type.vcpus)
    shared = instance_type.cores is not None and instance_type.cores < threads
    clock = instance_type.clock_ghz or REFERENCE_CLOCK_GHZ
    burstable = series == "t"
    log_work = (
        math.log(threads)
        + (math.log(HYPER_THREAD_YIELD) if shared else 0.0)
        + CLOCK_EXPONENT * math.log(clock / REFERENCE_CLOCK_GHZ)
        + GENERATION_GAIN * (generation - REFERENCE_GENERATION)
        + (math.log(BURSTABLE_SHARE) if burstable else 0.0)
    )
    vendor = next((letter for letter in _VENDORS if letter in suffix), "")
    kind = "t" if burstable else ""
    processor = f"{kind}{generation}{vendor}/{instance_type.architecture}/{clock:.1f}GHz/{'smt' if shared else 'core'}"
    return Capacity(log_work, math.log(threads), processor)


def _lineage(family: str) -> tuple[str, str, str]:
    match = _FAMILY.match(family)
    return (match[1], match[2], match[3]) if match else (family, "", "")


def _gpu_capacity(instance_type: InstanceType) -> Capacity:
    known = GPUS.get(instance_type.family)
    if known is not None:
        power = math.log(math.sqrt(known[0] * known[1]) / _REFERENCE_GPU)
    else:
        price = (instance_type.on_demand_usd_per_hour or float(instance_type.gpus)) / instance_type.gpus
        power = GPU_PRICE_EXPONENT * math.log(price)
    size = math.log(instance_type.gpus)
    return Capacity(size + power, size, f"{GPU_PROCESSOR}{instance_type.family}")
