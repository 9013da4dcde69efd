"""Apache Airflow provider for the IonQ Quantum Cloud."""

__version__ = "0.1.0"
