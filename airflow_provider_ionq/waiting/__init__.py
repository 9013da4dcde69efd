"""Wait for items of any resource, without Airflow."""
