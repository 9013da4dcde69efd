"""The task group of a session: its tasks, and what they know of each other."""
