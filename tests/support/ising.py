"""
A variational loop: the ground state of an Ising chain in a transverse field, by SPSA, with one job per iteration.

The job of an iteration has four circuits: the two perturbed states, each measured along Z and along X.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_ionq.loops import IonQJobs

QUBITS = 3
FIELD = 0.7
CIRCUITS = 4
"""Number of circuits of a job."""


def state(angles: Sequence[float], *, along_x: bool) -> dict[str, Any]:
    """Return the circuit of a trial state, measured along Z or X."""
    gates: list[dict[str, Any]] = []
    for layer in range(len(angles) // QUBITS):
        for qubit in range(QUBITS):
            gates.append({"gate": "ry", "target": qubit, "rotation": angles[layer * QUBITS + qubit]})
        gates += [{"gate": "cnot", "control": qubit, "target": qubit + 1} for qubit in range(QUBITS - 1)]
    if along_x:
        gates += [{"gate": "h", "target": qubit} for qubit in range(QUBITS)]
    return {"gateset": "qis", "qubits": QUBITS, "circuit": gates}


def mean(probabilities: Mapping[str, float], *qubits: int) -> float:
    """Return the mean of the product of Pauli operators; qubit 0 is rightmost in the strings."""
    signs = {text: (-1.0) ** sum(text[-1 - qubit] == "1" for qubit in qubits) for text in probabilities}
    return float(sum(signs[text] * share for text, share in probabilities.items()))


def energy(along_z: Any, along_x: Any) -> float:
    """Return the energy of a state from its two results."""
    bonds = sum(mean(along_z["probabilities"], qubit, qubit + 1) for qubit in range(QUBITS - 1))
    return -bonds - FIELD * sum(mean(along_x["probabilities"], qubit) for qubit in range(QUBITS))


def optimise(jobs: IonQJobs, *, iterations: int, seed: int) -> float:
    """Return the energy of the last iteration."""
    drawn = random.Random(seed)
    angles = [drawn.uniform(-0.5, 0.5) for _ in range(2 * QUBITS)]
    last = 0.0
    for iteration in range(iterations):
        step, gain = 0.2 / (iteration + 1) ** 0.1, 0.3 / (iteration + 10) ** 0.6
        signs = [drawn.choice((-1, 1)) for _ in angles]
        up, down = ([one + side * step * sign for one, sign in zip(angles, signs, strict=True)] for side in (1, -1))
        results = jobs.run([state(one, along_x=along_x) for one in (up, down) for along_x in (False, True)])
        above, below = energy(*results[:2]), energy(*results[2:])
        angles = [one - gain * (above - below) / (2 * step * sign) for one, sign in zip(angles, signs, strict=True)]
        last = (above + below) / 2
        jobs.track("energy", last)
    return last
