"""
Find the ground state of an Ising chain in a loop that resumes.

Situation: the angles of a circuit are improved step by step. Each step measures four circuits in one job, and needs the
result of the step before. So one task runs thirty jobs, one after the other, with the priority of a session.

You need: a connection `ionq_default` of type IonQ, sessions enabled for the account, and the extra `qiskit`. To try the
DAG first without a session and free of charge, trigger it with `{"rehearse": true}`.

You will see: in the log of `ising.minimize` the energy of each step, and at the end a curve that falls from about -2 to
-4.5. The task holds a worker until then. If the worker dies, the next try reads the completed jobs again, without
paying for them, and goes on with the next step. All tries together may cost 2,000 US dollars.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

from airflow.providers.common.compat.sdk import DAG, Param, task

from airflow_provider_ionq.loops import ionq_jobs
from airflow_provider_ionq.task_groups.session import ionq_session

SPINS, STEPS = 4, 30


def circuits(angles: Any) -> list[Any]:
    """Return the trial state, measured along the coupling (Z) and along the field (X)."""
    from qiskit import QuantumCircuit

    chain = QuantumCircuit(SPINS)
    chain.h(range(SPINS))
    for coupling, field in angles.reshape(-1, 2):
        for spin in range(SPINS - 1):
            chain.rzz(coupling, spin, spin + 1)
        chain.rx(field, range(SPINS))
    rotated = chain.copy()
    rotated.h(range(SPINS))
    return [circuit.measure_all(inplace=False) for circuit in (chain, rotated)]


def energy(in_z: Any, in_x: Any) -> float:
    """Return the energy: equal neighbours lower it along Z, and zeros along X."""
    total = 0.0
    for bits, probability in in_z["probabilities"].items():
        total -= probability * sum(1 if left == right else -1 for left, right in pairwise(bits))
    for bits, probability in in_x["probabilities"].items():
        total -= probability * (bits.count("0") - bits.count("1"))
    return total


with DAG(
    "example_ionq_variational_loop",
    schedule=None,
    doc_md=__doc__,
    params={"rehearse": Param(False, type="boolean", description="run the jobs on the simulator, without a session")},
    tags=["ionq", "example"],
):
    with ionq_session(
        "ising", backend="qpu.forte-1", duration_limit_min=240, rehearse="{{ params.rehearse }}"
    ) as session:

        @task(retries=3, retry_delay=timedelta(seconds=10))
        def minimize(session_id: str) -> float:
            """Return the energy of the last step."""
            import numpy as np

            # With the same seed, each try runs the same circuits, and finds their jobs.
            random = np.random.default_rng(4)
            angles = random.uniform(0, 1, 4)
            with ionq_jobs("qpu.forte-1", shots=500, session_id=session_id, max_cost_usd=2000) as jobs:
                for step in range(1, STEPS + 1):
                    shift = 0.1 / step**0.1 * random.choice([-1, 1], 4)
                    results = jobs.run([*circuits(angles + shift), *circuits(angles - shift)])
                    plus, minus = energy(*results[:2]), energy(*results[2:])
                    angles -= 0.1 / (step + 1) ** 0.6 * (plus - minus) / (2 * shift)
                    jobs.track("energy", (plus + minus) / 2)
            return (plus + minus) / 2

        minimize(session.session_id)
