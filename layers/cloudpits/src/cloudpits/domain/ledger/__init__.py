"""Money: what was billed, what is committed, what may still be spent."""
