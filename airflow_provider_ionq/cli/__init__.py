"""The command line: `airflow ionq`, and `python -m airflow_provider_ionq` on every Airflow."""
