"""Sessions, without Airflow: create them, recover lost ones, wait for them and for capacity, and end them."""
