"""What operators, sensors and triggers share: differences between Airflow versions, ids, and what a task stores."""
