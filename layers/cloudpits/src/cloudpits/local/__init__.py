"""The embedded cloud: an emulated AWS with real processes, a real database and recorded prices."""
