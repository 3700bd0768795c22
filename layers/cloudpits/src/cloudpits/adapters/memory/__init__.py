"""The ports in memory, with failures that can be injected; held to the same contract as the real ones."""
