"""Differences between Airflow versions, and helpers that operators, sensors and triggers share."""
