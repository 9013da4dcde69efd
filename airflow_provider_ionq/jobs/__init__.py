"""Jobs and loops of jobs, without Airflow: validate, submit once, wait for, price and cancel them."""
