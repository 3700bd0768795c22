"""Our SPITS runtime: ABI, wire protocol, job manager, task manager, journal. Standard library only."""
