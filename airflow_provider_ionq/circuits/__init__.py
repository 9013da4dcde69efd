"""Circuits of other libraries as IonQ's JSON, and how their qubits become classical bits."""
