"""Fleets: which workers, and how many, for which time and money."""
