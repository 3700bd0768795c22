"""Use cases: what the Lambda, the command line and the embedded cloud all do, in terms of the ports."""
