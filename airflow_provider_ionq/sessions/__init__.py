"""Opening and closing sessions, without Airflow: what to ask for, what to remember, what to believe."""
