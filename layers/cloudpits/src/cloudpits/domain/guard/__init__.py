"""What makes every policy safe: limits, duplicates, hand-overs and the hard budget."""
