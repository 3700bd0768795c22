"""The job manager: generates tasks, hands them to task managers, commits their results exactly once."""
