"""What runs on instances: the job-manager host agent and the worker agent."""
