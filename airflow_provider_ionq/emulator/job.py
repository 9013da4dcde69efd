"""
One job and how it advances. No I/O and no lock; the time is always passed in.

Rules of this file: a job ends once, and every access brings it up to date. Overdue changes carry the time at which they
were due. The results of a job are described when it is completed, and computed when they are first read.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_ionq.emulator.artifacts import aggregate_descriptors, descriptors, error_mitigation
from airflow_provider_ionq.emulator.failure import Failure
from airflow_provider_ionq.emulator.state import FINAL_JOB_STATUSES, JOB_STATUSES, Refused, timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_ionq.emulator.artifacts import ResultStyle
    from airflow_provider_ionq.emulator.results import CircuitResults
    from airflow_provider_ionq.emulator.state import Step


@dataclass(frozen=True)
class Cost:
    """An amount of money or credits."""

    value: float
    unit: str


class Advances(Protocol):
    """What is brought up to date by every access: a job, or the session that advances its jobs."""

    def advance(self, now: float) -> None:
        """Apply everything that is due."""


@dataclass
class Job:
    """
    One job, and the jobs of its circuits if it has several.

    :param fields: the fields at submission; owned by this object from now on.
    :param body: the body with which it was submitted.
    :param now: epoch seconds, the time of submission.
    :param plan: remaining steps.
    :param estimated_cost: cost to be charged at completion; None for a job without a price.
    :param failure: why the job fails instead of being completed; None for a job that can be completed.
    :param billed_us: quantum compute time in microseconds, shown at completion; None for a simulated job.
    :param wait_ms: predicted waiting time in milliseconds, shown until the job starts.
    :param serial: number of the job in the order of submission.
    :param known_from: epoch seconds; before this time the API answers 404 for the job.
    :param children: the jobs of its circuits.
    :param results: results of its circuit; None for a job of several circuits, or of none.
    :param result_style: style of the descriptors of its results.
    """

    fields: dict[str, Any]
    body: Mapping[str, Any]
    now: float
    plan: Sequence[Step] = ()
    estimated_cost: Cost | None = None
    failure: Failure | None = None
    billed_us: int | None = None
    wait_ms: int | None = None
    serial: int = 0
    known_from: float = 0.0
    children: Sequence[Job] = ()
    results: CircuitResults | None = None
    result_style: ResultStyle = "both"
    parent: Job | None = field(default=None, init=False)
    session: Advances | None = field(default=None, init=False)
    due: float | None = field(default=None, init=False)
    ended_at: float | None = field(default=None, init=False)
    # What was charged; a later cancellation refunds nothing.
    cost: Cost | None = field(default=None, init=False)
    # Whether the service has deleted its results.
    results_gone: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.fields |= {
            "status": "submitted",
            "submitted_at": timestamp(self.now),
            "started_at": None,
            "completed_at": None,
            "predicted_wait_time_ms": self.wait_ms,
            "predicted_execution_duration_ms": None if self.billed_us is None else self.billed_us // 1000,
            "execution_duration_ms": None,
            "failure": None,
            "output": {},
            "results": None,
        }
        # A dry run is compiled and priced, but never starts.
        dry_run = self.fields["dry_run"]
        self._plan = deque(step for step in self.plan if not (dry_run and step.status == "started"))
        self._since, self._reads = self.now, 0
        self._started: float | None = None
        if self.failure is not None and self.failure.at_check:
            self.fail(self.now, self.failure)
            return
        self._schedule(self.now)
        while self.due is not None and self.due <= self.now and self._plan[0].status not in FINAL_JOB_STATUSES:
            self.step(self.due)

    @property
    def status(self) -> str:
        """The status, which is one of IonQ's unless the test has set another."""
        return str(self.fields["status"])

    @property
    def charged_usd(self) -> float:
        """What was charged in US dollars."""
        return self.cost.value if self.cost is not None and self.cost.unit == "usd" else 0.0

    @property
    def advances_with(self) -> Advances:
        """The object whose ``advance`` brings this job up to date: its session, its parent job, or the job itself."""
        return self.session or self.parent or self

    def advance(self, now: float) -> None:
        """Apply the steps that are due."""
        while self.due is not None and self.due <= now:
            self.step(self.due)

    def step(self, at: float) -> None:
        """Apply the next step of the plan."""
        status = self._plan.popleft().status
        if status == "completed" and self.failure is not None:
            self.fail(at, self.failure)
        elif status == "completed":
            self.complete(at)
        elif status == "failed":
            self.fail(at, self.failure or Failure())
        elif status == "canceled":
            self.cancel(at)
        else:
            self.move(status, at)

    def read(self, now: float) -> dict[str, Any]:
        """Return the fields as the API serves them, and count the read; the caller has brought the job up to date."""
        served = dict(self.fields)
        self._reads += 1
        self._schedule(now)
        return served

    def move(self, status: str, at: float) -> None:
        """
        Set the status of an open job; its plan counts from now.

        :param status: ``submitted``, ``ready`` or ``started``.
        :raises Refused: the job is completed, failed or canceled already.
        """
        self._refuse_if_ended()
        while self._plan and JOB_STATUSES.index(self._plan[0].status) <= JOB_STATUSES.index(status):
            self._plan.popleft()
        self.fields["status"] = status
        if status == "started" and self._started is None:
            self._started = at
            self.fields |= {"started_at": timestamp(at), "predicted_wait_time_ms": None}
        for child in self._open_children():
            child.move(status, at)
        self._since, self._reads = at, 0
        self._schedule(at)

    def complete(
        self,
        at: float,
        *,
        cost: Cost | None = None,
        probabilities: Mapping[str, float] | None = None,
        results: Mapping[str, Any] | None = None,
    ) -> None:
        """
        Complete the job, and the jobs of its circuits except those that are to fail.

        :param cost: final cost; None for the estimated cost.
        :param probabilities: probability by decimal key; None to compute the circuit.
        :param results: inline results of a job without circuits; None for no results.
        :raises Refused: the job is completed, failed or canceled already, or has no such results.
        """
        self._refuse_if_ended()
        if probabilities is not None and self.results is None:
            raise Refused(f"job {self.fields['id']!r} does not have one circuit: it takes no probabilities")
        if results is not None and (self.results is not None or self.children):
            raise Refused(f"job {self.fields['id']!r} has circuits: it takes no inline results")
        for child in self._open_children():
            if child.failure is None:
                child.complete(at)
            else:
                child.fail(at, child.failure)
        if self.fields["dry_run"]:
            self._end("completed", at, None)
            return
        if self._started is None:
            self.move("started", at)
        if probabilities is not None and self.results is not None:
            self.results.set(probabilities)
        self._end("completed", at, cost or self.estimated_cost)
        if self.billed_us is not None:
            self.fields["stats"] = self.fields.get("stats", {}) | {"billed_quantum_compute_time_us": self.billed_us}
        self._describe_results(results or {})

    def fail(self, at: float, failure: Failure, *, cost: Cost | None = None) -> None:
        """
        Fail the job.

        :param cost: what is still charged; None to release the reserved cost.
        :raises Refused: the job is completed, failed or canceled already.
        """
        self._refuse_if_ended()
        for child in self._open_children():
            child.fail(at, failure)
        self._end("failed", at, cost)
        self.fields["failure"] = {"code": failure.code, "message": failure.message}

    def cancel(self, at: float, *, cost: Cost | None = None) -> None:
        """
        Cancel the job; nothing changes if it is canceled already.

        IonQ's API description has one answer only, ``canceled``, and cirq-ionq documents that version 0.4 cancels a
        completed job too: the status changes, but the time of completion and the cost stay.

        :param cost: what is still charged if the job was open; None to release the reserved cost.
        """
        for child in self._open_children():
            child.cancel(at)
        if self.ended_at is None:
            self._end("canceled", at, cost)
        self.fields["status"] = "canceled"

    def _open_children(self) -> list[Job]:
        return [child for child in self.children if child.ended_at is None]

    def _schedule(self, now: float) -> None:
        self.due = None
        if self._plan and self.ended_at is None:
            step = self._plan[0]
            if step.after_seconds is not None:
                self.due = self._since + step.after_seconds
            elif self._reads >= (step.after_reads or 0):
                self.due = now

    def _refuse_if_ended(self) -> None:
        if self.ended_at is not None:
            raise Refused(f"job {self.fields['id']!r} is {self.status} already")

    def _end(self, status: str, at: float, cost: Cost | None) -> None:
        self._refuse_if_ended()
        self.ended_at, self.due = at, None
        self._plan.clear()
        self.cost = cost
        self.fields |= {"status": status, "completed_at": timestamp(at), "predicted_wait_time_ms": None}
        if self._started is not None:
            self.fields["execution_duration_ms"] = round((at - self._started) * 1000)

    def _describe_results(self, inline: Mapping[str, Any]) -> None:
        job_id, style = self.fields["id"], self.result_style
        if self.children:
            self.fields["results"] = aggregate_descriptors(job_id, style)
        elif self.results is None:
            self.fields["results"] = dict(inline)
        else:
            artifacts = self.results.artifacts()
            own = [artifact for artifact in artifacts if artifact.of_whole_job]
            self.fields["results"] = descriptors(job_id, own, style)
            if self.results.debiased:
                size = self.fields["stats"]["qubits"], self.fields["shots"]
                mitigation = error_mitigation(job_id, artifacts, size, style)
                self.fields["output"] = self.fields["output"] | {"error_mitigation": mitigation}
