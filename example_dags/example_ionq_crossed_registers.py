"""
Read the results of a Qiskit circuit in its own classical registers.

Situation: a circuit measures its qubits into two registers, in another order than they are numbered. Code that reads
the states of the qubits would confuse the bits.

You need: a connection `ionq_default` of type IonQ, the extra `qiskit`, and a running triggerer. It runs on the
simulator, free of charge.

You will see: `crossed` builds the circuit on the worker, submits it as a job, and returns the result. Qubit 0 is 1, and
qubit 0 is measured into bit 1 of the register `low`. So `report` finds `0 10`, as Qiskit itself prints it: the last
register is leftmost, and bit 0 of each is rightmost. Parsing the DAG does not import Qiskit.
"""

from __future__ import annotations

from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

with DAG("example_ionq_crossed_registers", schedule=None, doc_md=__doc__, tags=["ionq", "example"]) as dag:

    @task.ionq_job(backend="simulator", shots=1000, poke_interval=10)
    def crossed() -> Any:
        """Return the circuit."""
        from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister

        qubits, low, high = QuantumRegister(3), ClassicalRegister(2, "low"), ClassicalRegister(1, "high")
        circuit = QuantumCircuit(qubits, low, high, name="crossed")
        circuit.x(0)
        circuit.measure([0, 1, 2], [low[1], low[0], high[0]])
        return circuit

    @task
    def report(result: Any) -> str:
        """Return the counts of both registers together, and of one alone."""
        text = f"all bits: {result['counts']}, register low: {result['registers']['low']['counts']}"
        print(text)
        return text

    report(crossed())
