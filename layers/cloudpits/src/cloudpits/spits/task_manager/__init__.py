"""The task manager: takes tasks, runs them in worker processes, hands their results over."""
