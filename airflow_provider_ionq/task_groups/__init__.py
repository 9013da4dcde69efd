"""The task group `ionq_session`: `session` is what a DAG file imports, `group` has the tasks, `wiring` their order."""
