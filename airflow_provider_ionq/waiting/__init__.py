"""Wait for items of any resource, and create an item that costs money exactly once, without Airflow."""
