"""
Scan an angle with fifty circuits in one job.

Situation: a qubit is rotated by fifty angles, to see how often each leaves it in state 1. Fifty jobs would wait in the
queue fifty times; one job with fifty circuits waits once.

You need: a connection `ionq_default` of type IonQ, and a running triggerer. It runs on the simulator with the noise of
a device, free of charge.

You will see: `scan` submits one job and returns fifty results, in the order of its circuits, each with its name and the
id of its own job. `curve` draws the share of ones in its log: one wave.
"""

from __future__ import annotations

import math
from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_ionq.results.curve import curve_text

ANGLES = [2 * math.pi * step / 49 for step in range(50)]

with DAG("example_ionq_fifty_circuits", schedule=None, doc_md=__doc__, tags=["ionq", "example"]) as dag:

    @task.ionq_job(backend="simulator", shots=500, noise={"model": "forte-1"}, poke_interval=10)
    def scan() -> list[dict[str, Any]]:
        """Return a circuit for each angle, in IonQ's own JSON."""
        return [
            {"name": f"{angle:.3f}", "qubits": 1, "circuit": [{"gate": "ry", "target": 0, "rotation": angle}]}
            for angle in ANGLES
        ]

    @task
    def curve(results: Any) -> list[float]:
        """Draw and return the share of ones at each angle."""
        ones = [result["probabilities"].get("1", 0.0) for result in results]
        print(curve_text(ones, "share of ones"))
        return ones

    curve(scan())
