"""The IonQ API over HTTP, without Airflow."""
