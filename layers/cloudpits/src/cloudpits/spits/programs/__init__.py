"""SPITS programs, compiled or Python, behind one interface."""
