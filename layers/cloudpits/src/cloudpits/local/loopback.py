"""Addresses and ports of this machine alone, shared out so that embedded clouds side by side keep apart."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from cloudpits.domain.errors import CloudError

HOST = "127.0.0.1"
NETWORKS = range(20, 220)  # second number of 127.x.0.0/16; people use the first ones
PORTS = range(20_000, 32_000)  # below those that the kernel gives to whoever asks for any

_chance = random.SystemRandom()  # processes that start with equal seeds must not choose alike


@contextmanager
def loopback_network() -> Iterator[str]:
    """``127.x``, whose addresses no other embedded cloud uses until the block ends; CloudError if none is left.

    A name in the abstract Unix namespace stands for a taken network: the kernel frees it however its owner ended.
    """
    with socket.socket(socket.AF_UNIX) as claim:
        for number in _chance.sample(NETWORKS, len(NETWORKS)):
            network = f"127.{number}"
            try:
                claim.bind(f"\0cloudpits {network}")
            except OSError:
                continue
            yield network
            return
    raise CloudError(f"all {len(NETWORKS)} loopback networks are taken; end other embedded clouds", "NoNetwork")


def free_port() -> int:
    """A port of HOST that nobody listens on now; CloudError if none is found."""
    for port in _chance.sample(PORTS, 1000):
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
        return port
    raise CloudError(f"no port from {PORTS.start} to {PORTS.stop} of {HOST} is free", "NoPort")
