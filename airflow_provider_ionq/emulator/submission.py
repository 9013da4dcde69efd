"""The creation of a job from the body of a request, with a job for each of several circuits. No I/O and no lock."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.emulator import account_data
from airflow_provider_ionq.emulator.circuits import (
    circuits_of,
    compiled,
    has_one_circuit,
    mitigates,
    parts_of,
    refusal_of,
    stats_of,
)
from airflow_provider_ionq.emulator.job import Cost, Job
from airflow_provider_ionq.emulator.prices import compute_time_us
from airflow_provider_ionq.emulator.results import CircuitResults
from airflow_provider_ionq.emulator.state import Step

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Iterator, Sequence

    from airflow_provider_ionq.emulator.circuits import Circuit
    from airflow_provider_ionq.emulator.failure import Failure, PlannedFailure
    from airflow_provider_ionq.emulator.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Submission:
    """
    The submission of a job.

    :param settings: parameters of the emulator.
    :param serials: numbers of jobs in the order of submission.
    :param now: epoch seconds.
    :param known_from: epoch seconds; before this time the API answers 404 for the job.
    """

    settings: Settings
    serials: Iterator[int]
    now: float
    known_from: float

    def job(
        self,
        key: str,
        payload: dict[str, Any],
        failures: deque[PlannedFailure],
        *,
        plan: Sequence[Step] | None = None,
        cost: Cost | None = None,
    ) -> Job:
        """
        Return a new job and the jobs of its circuits.

        :param key: its id.
        :param payload: the valid body of ``POST /jobs``.
        :param failures: failures of the next jobs; the one that this job takes is removed.
        :param plan: its plan; None for that of the emulator.
        :param cost: its cost, charged when it is completed; None for the price of its backend.
        """
        parts = parts_of(payload)
        of_parts = [circuits_of(part) for part in parts]
        circuits = [circuit for found in of_parts for circuit in found] if parts else circuits_of(payload)
        failure, failing = _failure(payload, circuits, len(parts), failures)
        children = [
            self._job(str(uuid.uuid4()), part, found, (), failure=failure if index in failing else None, index=index)
            for index, (part, found) in enumerate(zip(parts, of_parts, strict=True))
        ]
        steps = _plan(self.settings) if plan is None else plan
        job = self._job(
            key, payload, circuits, steps, failure=None if failing else failure, cost=cost, children=children
        )
        for child in children:
            child.parent = job
            child.fields["parent_job_id"] = key
        return job

    def _job(
        self,
        key: str,
        payload: dict[str, Any],
        circuits: Sequence[Circuit],
        plan: Sequence[Step],
        *,
        failure: Failure | None,
        cost: Cost | None = None,
        children: Sequence[Job] = (),
        index: int = 0,
    ) -> Job:
        run = [compiled(circuit, self.settings.compiled_gates) for circuit in circuits]
        shots = account_data.shots_of(payload)
        price = (self.settings.prices or {}).get(payload["backend"])
        if cost is None and price is not None:
            value = price.of(run, shots, error_mitigation=mitigates(payload.get("settings")))
            cost = Cost(value, price.unit)
        fields = account_data.new_job(key, payload) | {"stats": stats_of(run)}
        billed_us = None
        if payload["backend"] != "simulator" and circuits:
            billed_us = compute_time_us(run, shots)
            fields["stats"]["predicted_quantum_compute_time_us"] = billed_us
        if price is not None:
            fields["cost_model"] = "2QGE_operations"
        return Job(
            fields,
            payload,
            self.now,
            plan,
            estimated_cost=cost,
            failure=failure,
            billed_us=billed_us,
            wait_ms=account_data.BACKENDS[payload["backend"]]["average_queue_time"],
            serial=next(self.serials),
            known_from=self.known_from,
            children=children,
            results=CircuitResults(payload, self.settings.seed, index) if has_one_circuit(payload) else None,
            result_style=self.settings.result_style,
        )


def _failure(
    payload: dict[str, Any], circuits: Sequence[Circuit], parts: int, failures: deque[PlannedFailure]
) -> tuple[Failure | None, frozenset[int]]:
    """Return why a job fails, if it does, and which of its circuits do; none if the whole job does."""
    if refusal := refusal_of(payload, circuits):
        return refusal, frozenset()
    for planned in failures:
        if max(planned.circuits, default=-1) < parts:
            failures.remove(planned)
            return planned.failure, planned.circuits
    return None, frozenset()


def _plan(settings: Settings) -> Sequence[Step]:
    if settings.job_plan is not None:
        return settings.job_plan
    start = Step("started", after_seconds=0)
    if settings.job_reads is not None:
        return (start, Step("completed", after_reads=settings.job_reads))
    if settings.job_seconds is not None:
        return (start, Step("completed", after_seconds=settings.job_seconds))
    return ()
