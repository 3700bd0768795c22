"""The price of one pool over time, as the ledger reads it. Apart from the reader, which needs a data frame library."""

from __future__ import annotations

# A step function: (instant, USD per hour), instants increasing; each price holds until the next.
Points = list[tuple[float, float]]
