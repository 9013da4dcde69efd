"""The decorator `@task.ionq_job`."""
