"""From an Airflow connection to the API: `ionq` is the hook, the other modules are parts of it."""
