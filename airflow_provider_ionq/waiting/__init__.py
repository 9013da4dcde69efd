"""How anything is waited for: knows no resource, and nothing of Airflow."""
