"""Rebalancing policies, one per file, behind one registry (see ``registry.py``)."""
