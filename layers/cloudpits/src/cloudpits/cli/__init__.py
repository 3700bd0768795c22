"""The command ``cloudpits``."""
