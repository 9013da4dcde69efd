"""What Airflow's versions differ in, and errors told in a task's terms."""
