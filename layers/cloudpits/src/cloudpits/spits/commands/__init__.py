"""The commands ``spits-jm``, ``spits-tm`` and ``spits-count``."""
