"""Read the results of a job from the API, without Airflow."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.api.errors import IonQError, IonQGoneError, IonQResultsError
from airflow_provider_ionq.api.jobs import is_job
from airflow_provider_ionq.api.json_text import json_object, json_text
from airflow_provider_ionq.results.artifacts import AGGREGATE, find
from airflow_provider_ionq.results.circuits import Circuit, NoSuchResultError, read_circuit
from airflow_provider_ionq.results.job_layouts import layout_of_child, layouts_of_job

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow_provider_ionq.api.client import IonQClient
    from airflow_provider_ionq.api.models import Job
    from airflow_provider_ionq.circuits.layout import CircuitLayout
    from airflow_provider_ionq.results.models import CircuitResult, JobResults
    from airflow_provider_ionq.results.wanted import Wanted

MULTI = "ionq.multi-circuit.v1"
INLINE = ("quantum-function", "qctrl.qaoa.v1")
"""Types of jobs whose results are in their JSON."""

NAMED_CIRCUITS = 20
"""Largest number of circuits that an error names."""


def fetch_results(client: IonQClient, job: Job, wanted: Wanted) -> JobResults:
    """
    Return the results of a completed job.

    Sends one request for a job of one circuit. For a multi-circuit job it sends one, and one for every 25 circuits; for
    shots, an aggregation or a variant, also one for each circuit. If the JSON of the job is incomplete, it sends one
    more.

    :param client: a client of the API.
    :param job: JSON of the job, as the API returns it for one job or in a list.
    :param wanted: what to read.
    :raises IonQResultsError: if the results are not there, or cannot be read or decoded; names the job and the circuit.
    """
    _check_has_results(job, wanted)
    job = _complete(client, job)
    results: JobResults = {
        "job_id": job["id"],
        "status": job["status"],
        "type": str(job.get("type")),
        "circuits": [],
    }
    with _naming(job):
        if job.get("type") in INLINE:
            if not isinstance(inline := job.get("results"), dict):
                raise ValueError(f"its results are not an object: {json_text(inline)}")
            results["inline"] = inline
        elif _has_children(job):
            results["circuits"] = _read_children(client, job, wanted)
        else:
            name = job.get("name")
            with _naming(job, "" if name is None else f"circuit {json_text(name)!r}: "):
                results["circuits"] = [_read_single(client, job, wanted)]
    return results


def _has_children(job: Job) -> bool:
    return job.get("type") == MULTI or bool(job.get("child_job_ids"))


def _complete(client: IonQClient, job: Job) -> Job:
    """Return the JSON of a job with its results, and with `child_job_ids`, which a list of jobs does not have."""
    if job.get("results") is not None and (job.get("type") != MULTI or job.get("child_job_ids") is not None):
        return job
    with _naming(job):
        return client.get_job(job["id"])


def _check_has_results(job: Job, wanted: Wanted) -> None:
    status, job_id = job["status"], job["id"]
    if status == "completed":
        if job.get("dry_run") is True:
            raise IonQResultsError(f"Job {job_id} is a dry run, which has no results.", job_id, retryable=False)
    elif status not in ("failed", "canceled"):
        text = f"Job {job_id} has no results yet: its status is {json_text(status)}, not completed."
        raise IonQResultsError(text, job_id)
    elif not _has_children(job) or wanted.fail_on_partial_error:
        raise IonQResultsError(f"Job {job_id} has no results: {_end_of(job)}.", job_id, retryable=False)


def _read_single(client: IonQClient, job: Job, wanted: Wanted) -> CircuitResult:
    parent_id = job.get("parent_job_id")
    if isinstance(parent_id, str):
        parent = client.get_job(parent_id)
        layout = layout_of_child(parent, job["id"], wanted)
    else:
        parent = job
        (layout,) = layouts_of_job(job, 1, wanted)
    return read_circuit(client, _circuit(job, parent, layout, 0, wanted), wanted)


def _read_children(client: IonQClient, job: Job, wanted: Wanted) -> list[CircuitResult]:
    ids = job.get("child_job_ids")
    if not isinstance(ids, list) or not ids or not all(isinstance(one, str) for one in ids):
        raise ValueError(f"child_job_ids is not a list of ids: {json_text(ids)}")
    children = {child["id"]: child for child in client.iter_jobs(ids=ids) if is_job(child)}
    if missing := [one for one in ids if one not in children]:
        raise ValueError(f"the API does not list the jobs of its circuits: {_some(missing)}")
    _check_children(job, children, ids)
    _check_names([children[one] for one in ids], wanted.names)
    layouts = layouts_of_job(job, len(ids), wanted)
    circuits = [_circuit(children[one], job, layouts[at], at, wanted) for at, one in enumerate(ids)]
    _check_partial(job, circuits, wanted)
    probabilities = _aggregate(client, job, circuits, wanted)
    found: list[CircuitResult] = []
    for at, circuit in enumerate(circuits):
        if circuit.job["status"] != "completed":
            found.append(circuit.without_result())
            continue
        with _naming(job, f"{_name(at, circuit)}: "):
            found.append(read_circuit(client, circuit, wanted, probabilities.get(circuit.job["id"])))
    return found


def _check_children(job: Job, children: Mapping[str, Job], ids: Sequence[str]) -> None:
    """
    Check that each id is that of one circuit of the job.

    :raises ValueError: naming the ids that are not.
    """
    if len(children) < len(ids):
        twice = [one for one, times in Counter(ids).items() if times > 1]
        raise ValueError(f"child_job_ids has an id more than once: {_some(twice)}")
    parents = {one: children[one].get("parent_job_id") for one in ids}
    if others := [one for one, parent in parents.items() if isinstance(parent, str) and parent != job["id"]]:
        raise ValueError(f"child_job_ids has the ids of jobs that are not its circuits: {_some(others)}")


def _check_names(children: Sequence[Job], names: Sequence[str | None] | None) -> None:
    """
    Check the order of the circuits by their names; circuits without a name are not checked.

    :raises ValueError: if a circuit has the name of another one.
    """
    if names is None or len(names) != len(children):
        return
    unique = {name for name in names if name is not None and names.count(name) == 1}
    for at, (child, name) in enumerate(zip(children, names, strict=True)):
        found = child.get("name")
        if isinstance(found, str) and found in unique and found != name:
            raise ValueError(
                f"child_job_ids is not in the order of the circuits: number {at + 1} is {json_text(found)} instead of"
                f" {json_text(name)}"
            )


def _check_partial(job: Job, circuits: Sequence[Circuit], wanted: Wanted) -> None:
    missing = [(at, circuit) for at, circuit in enumerate(circuits) if circuit.job["status"] != "completed"]
    if not missing or not wanted.fail_on_partial_error:
        return
    ended = all(circuit.job["status"] in ("failed", "canceled") for _, circuit in missing)
    described = _some([f"{_name(at, circuit)} {_end_of(circuit.job)}" for at, circuit in missing], "; ")
    raise IonQResultsError(
        f"Job {job['id']} is {json_text(job['status'])}, but {len(missing)} of its {len(circuits)} circuits have no"
        f" results: {described}. Read the results of the others with fail_on_partial_error=False.",
        job["id"],
        retryable=not ended,
    )


def _aggregate(client: IonQClient, job: Job, circuits: Sequence[Circuit], wanted: Wanted) -> Mapping[str, Any]:
    """Return the probabilities of each circuit by the id of its job, if the job has them."""
    artifact = find(job.get("results"), AGGREGATE)
    is_completed = any(circuit.job["status"] == "completed" for circuit in circuits)
    if artifact is None or not is_completed or wanted.aggregation is not None or wanted.variant is not None:
        return {}
    content = artifact.read(client, job["id"])
    if not isinstance(content, dict):
        raise ValueError(f"the aggregate of the circuits is not an object: {json_text(content)}")
    return content


def _circuit(job: Job, parent: Job, layout: CircuitLayout | None, at: int, wanted: Wanted) -> Circuit:
    known = wanted.qubits[at] if wanted.qubits is not None and at < len(wanted.qubits) else None
    stats = [json_object(one.get("stats")).get("qubits") for one in (job, parent)]
    qubits = _first_whole(None if layout is None else layout.qubits, known, *stats)
    return Circuit(job, layout, qubits, _first_whole(job.get("shots"), parent.get("shots"), wanted.shots))


def _first_whole(*values: object) -> int | None:
    return next((value for value in values if isinstance(value, int) and value > 0 and value is not True), None)


@contextmanager
def _naming(job: Job, circuit: str = "") -> Iterator[None]:
    """
    Name the job and the circuit in an error.

    :param circuit: the circuit, to precede the problem.
    :raises IonQResultsError: in place of any error of the API or the content.
    """
    try:
        yield
    except IonQResultsError:
        raise
    except NoSuchResultError as error:
        raise IonQResultsError(f"Job {job['id']}: {circuit}{error}.", job["id"], retryable=False) from None
    except (IonQError, ValueError) as error:
        is_gone = isinstance(error, IonQGoneError)
        later = "but only another job can give such results" if is_gone else "and its results can be read again"
        raise IonQResultsError(
            f"The results of job {job['id']} cannot be read: {circuit}{error}. The job is completed and paid, {later}.",
            job["id"],
            retryable=not is_gone,
            reason=error if isinstance(error, IonQError) else None,
        ) from None


def _name(at: int, circuit: Circuit) -> str:
    """Return a circuit as errors name it: `circuit 2 'b' (job j-1)`."""
    name = circuit.job.get("name")
    return f"circuit {at + 1}{'' if name is None else f' {json_text(name)!r}'} (job {circuit.job['id']})"


def _end_of(job: Job) -> str:
    failure = json_object(job.get("failure"))
    parts = [json_text(failure[key]) for key in ("code", "message") if failure.get(key) is not None]
    return f"has the status {json_text(job['status'])}{''.join(f': {part}' for part in parts)}"


def _some(texts: Sequence[str], separator: str = ", ") -> str:
    more = len(texts) - NAMED_CIRCUITS
    return separator.join(texts[:NAMED_CIRCUITS]) + (f" and {more} more" if more > 0 else "")
