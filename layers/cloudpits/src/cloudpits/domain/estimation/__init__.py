"""What is learnt from measurements: rates, start-up times, interruptions."""
