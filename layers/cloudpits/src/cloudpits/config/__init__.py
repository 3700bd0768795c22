"""Everything that comes from outside as text, checked once on the way in: files, environment, events."""
