"""Replays recorded prices against the same decision code that runs in the Lambda."""
