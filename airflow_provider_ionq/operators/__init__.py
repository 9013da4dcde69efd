"""Operators that create and end sessions, and run jobs and read their results."""
