"""The pure core: what is known about a run, and what should be done next. Imports the standard library only."""
