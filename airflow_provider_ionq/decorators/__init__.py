"""The decorator `@task.ionq_job`, which Airflow finds through the provider's metadata."""
