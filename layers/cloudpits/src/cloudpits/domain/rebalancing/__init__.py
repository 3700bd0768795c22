"""When to change a running fleet, and when not to."""
