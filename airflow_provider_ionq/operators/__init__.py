"""
Operators on sessions and jobs.

They are in `create_session`, `end_session`, `session`, `job` and `results`; the other modules are parts of these.
"""
