"""
The price of a job before it is submitted, without Airflow: an estimate, or the price of a dry run.

A price may be absent: then the job is free, or its price is unknown. An amount in another unit than US dollars is
refused, never converted.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from collections import Counter
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.api.errors import IonQBudgetError, IonQResponseError
from airflow_provider_ionq.api.json_text import is_number, json_object, json_text
from airflow_provider_ionq.jobs.arguments import COST_CHECKS
from airflow_provider_ionq.jobs.circuits import SINGLE
from airflow_provider_ionq.jobs.failure import is_final, job_failed
from airflow_provider_ionq.jobs.request import DEFAULT_SHOTS, JobRequest
from airflow_provider_ionq.waiting.durations import duration_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_ionq.api.client import IonQClient
    from airflow_provider_ionq.api.models import Amount
    from airflow_provider_ionq.jobs.token import Token

MOST_ESTIMATES = 50
"""If more circuits than this differ in size, one dry run takes fewer requests than the estimates."""

DRY_RUN_SECONDS = 600.0
DRY_RUN_PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0)


def cost_check_of(request: JobRequest, cost_check: str | None) -> str:
    """
    Return how the price of a job is determined.

    :param cost_check: `estimate` or `dry_run`; None for an estimate where the gates can be counted, else a dry run.
    :raises ValueError: if it is another text, or an estimate of gates that cannot be counted.
    """
    if cost_check is not None and cost_check not in COST_CHECKS:
        raise ValueError(f"cost_check must be one of {', '.join(COST_CHECKS)}, or None, not {cost_check!r}")
    if cost_check == "dry_run":
        return cost_check
    parts = _estimated_parts(request)
    if parts is not None and (cost_check == "estimate" or len(parts) <= MOST_ESTIMATES):
        return "estimate"
    if cost_check == "estimate":
        raise ValueError(
            "cost_check='estimate' needs gates that can be counted, each on one qubit or on two: use 'dry_run'"
        )
    return "dry_run"


def estimated_price(client: IonQClient, request: JobRequest) -> Amount | None:
    """
    Return the estimated price of a job: the sum over its circuits, each with all of its parameters.

    :param client: client for one request per different size of a circuit.
    :param request: a job whose gates can be counted.
    :return: None if the API gives no price.
    :raises IonQBudgetError: if the prices of two circuits have two units.
    :raises IonQError: if an estimate cannot be read.
    """
    total, units = 0.0, set()
    for (qubits, gates_1q, gates_2q), count in (_estimated_parts(request) or {}).items():
        estimate = client.estimate_job(
            request.backend,
            job_type=SINGLE,
            qubits=qubits,
            shots=request.shots or DEFAULT_SHOTS,
            gates_1q=gates_1q,
            gates_2q=gates_2q,
            error_mitigation=request.debiases,
        )
        # The names of May 2026 are still in use.
        value = _first(estimate, "estimated_total_cost", "estimated_cost")
        if value is None:
            return None
        total += count * _checked(value, "the estimate of the job")
        units.add(_unit(_first(estimate, "estimated_unit", "cost_unit")))
    if len(units) > 1:
        raise IonQBudgetError(f"The estimates of the circuits have several units: {', '.join(sorted(units))}.")
    return {"value": total, "unit": units.pop()} if units else None


def _estimated_parts(request: JobRequest) -> Counter[tuple[int, int, int]] | None:
    """Return how many circuits have each size; None if the gates of one cannot be counted."""
    parts: Counter[tuple[int, int, int]] = Counter()
    for size in request.sizes or ():
        if size.gates_1q is None or size.gates_2q is None:
            return None
        parts[size.qubits, size.gates_1q, size.gates_2q] += 1
    return parts or None


def dry_run_price(
    client: IonQClient, request: JobRequest, token: Token, log: Any, *, sleep: Callable[[float], None] = time.sleep
) -> Amount | None:
    """
    Return the price of a job that IonQ compiled and did not run.

    It is submitted without the session: a job starts a session, and counts in its limits.

    :param client: client for the dry run, its polls and its cost.
    :param request: the job to price.
    :param token: token of the job; the dry run gets a variant that is never adopted.
    :param log: the task's logger.
    :param sleep: function that waits a number of seconds.
    :return: None if the API gives no price.
    :raises IonQJobFailedError: if the dry run failed, as the job would.
    :raises IonQError: if the price cannot be read.
    """
    body = dataclasses.replace(request, dry_run=True, session_id=None).body(str(token.numbered(None)))
    job_id = client.create_job(body)["id"]
    log.info("Submitted dry run %s to learn the price of %s.", job_id, request)
    job = client.get_job(job_id)
    waited = 0.0
    for pause in chain(DRY_RUN_PAUSES, repeat(DRY_RUN_PAUSES[-1])):
        if is_final(job):
            break
        if waited >= DRY_RUN_SECONDS:
            raise IonQBudgetError(
                f"Dry run {job_id} has the status {json_text(job['status'])} after {duration_text(waited)}, so the"
                " price of the job is unknown; it was not submitted.",
                retryable=True,
            )
        sleep(pause)
        waited += pause
        job = client.get_job(job_id)
    if job["status"] != "completed":
        raise job_failed(job)
    return amount_of(client.get_job_cost(job_id), "estimated_cost", f"dry run {job_id}")


def in_usd(amount: Amount, named: str) -> float:
    """
    Return an amount in US dollars.

    :param named: the job or jobs with that cost, for the error.
    :raises IonQBudgetError: if it is in another unit.
    """
    if amount["unit"].lower() != "usd":
        raise IonQBudgetError(
            f"The cost of {named} is in the unit {json_text(amount['unit'])}, and cannot be compared with a budget in"
            " US dollars; no job was submitted."
        )
    return amount["value"]


def amount_of(cost: Mapping[str, Any], key: str, named: str) -> Amount | None:
    """
    Return an amount of a job's cost.

    :param cost: the cost.
    :param key: `cost` or `estimated_cost`.
    :param named: the job with that cost, for the error.
    :return: None if it is absent.
    :raises IonQResponseError: if it is not an amount.
    """
    amount = cost.get(key)
    if amount is None:
        return None
    amount = json_object(amount)
    return {"value": _checked(amount.get("value"), f"{key} of {named}"), "unit": _unit(amount.get("unit"))}


def _checked(value: object, named: str) -> float:
    if not is_number(value) or not 0 <= value <= sys.float_info.max:
        raise IonQResponseError(f"The API gives {json_text(value)} as {named}; no job was submitted.")
    return float(value)


def _unit(unit: object) -> str:
    return unit if isinstance(unit, str) else json_text(unit)


def _first(values: Mapping[str, Any], *keys: str) -> object:
    return next((values[key] for key in keys if values.get(key) is not None), None)
