"""CloudPITS: run SPITS programs on spot instances for the least money within a budget or a deadline."""

__version__ = "1.0.0"
