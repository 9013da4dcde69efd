"""
Types of the API's JSON.

Nothing is converted or dropped: a field that the API adds later reaches XCom unchanged. Only the keys that the provider
relies on are checked, in :mod:`airflow_provider_ionq.api.client`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

if TYPE_CHECKING:
    from collections.abc import Sequence


class SessionCostLimit(TypedDict):
    """The cost limit of a session's jobs."""

    unit: NotRequired[str]
    value: float


class SessionSettings(TypedDict, total=False):
    """The limits of a session; `duration_limit_min` is in minutes."""

    job_count_limit: int | None
    duration_limit_min: int | None
    cost_limit: SessionCostLimit | None
    expires_at: str | None


class Session(TypedDict):
    """
    A session, https://docs.ionq.com/api-reference/v0.4/sessions/get-session.

    Times are RFC 3339 in UTC, such as `2025-05-28T20:47:05.440Z`. `status` is documented as `created`, `started`
    or `ended`; IonQ does not say what `active` means.
    """

    id: str
    status: str
    active: bool
    created_at: str
    started_at: str | None
    ended_at: str | None
    organization_id: str
    project_id: str | None
    creator_id: str | None
    ender_id: str | None
    backend: str | None
    settings: NotRequired[SessionSettings | None]


class JobFailure(TypedDict):
    """Why a job failed: one of IonQ's codes, such as `InvalidInput`, and a text."""

    code: str
    message: str


class JobNoise(TypedDict):
    """The noise model of the simulator, such as `forte-1`, and the seed of its random numbers."""

    model: str
    seed: NotRequired[int]


class Job(TypedDict):
    """
    A job, https://docs.ionq.com/api-reference/v0.4/jobs/get-job.

    `status` is documented as `submitted`, `ready`, `started`, `completed`, `failed` or `canceled`. Times are RFC 3339
    in UTC, and may be null in any status. Names ending in `_ms` are in milliseconds. `child_job_ids` is in the answer
    for one job only; `stats`, `output`, `settings` and `results` depend on `type`.
    """

    id: str
    status: str
    type: NotRequired[str]
    backend: NotRequired[str]
    dry_run: NotRequired[bool]
    submitter_id: NotRequired[str]
    project_id: NotRequired[str | None]
    parent_job_id: NotRequired[str | None]
    child_job_ids: NotRequired[list[str] | None]
    session_id: NotRequired[str | None]
    metadata: NotRequired[dict[str, str] | None]
    name: NotRequired[str | None]
    submitted_at: NotRequired[str]
    started_at: NotRequired[str | None]
    completed_at: NotRequired[str | None]
    predicted_wait_time_ms: NotRequired[int | None]
    predicted_execution_duration_ms: NotRequired[int | None]
    execution_duration_ms: NotRequired[int | None]
    shots: NotRequired[int]
    noise: NotRequired[JobNoise]
    failure: NotRequired[JobFailure | None]
    cost_model: NotRequired[str]
    output: NotRequired[dict[str, Any]]
    settings: NotRequired[dict[str, Any]]
    stats: NotRequired[dict[str, Any]]
    results: NotRequired[dict[str, Any] | None]


class JobCreated(TypedDict):
    """A job that was just submitted, https://docs.ionq.com/api-reference/v0.4/jobs/create-job."""

    id: str
    status: str
    session_id: NotRequired[str | None]


class JobStatus(TypedDict):
    """A job after a request that changed it: its status is `canceled` or `deleted`."""

    id: str
    status: str


class JobsStatus(TypedDict):
    """Several jobs after a request that changed them: their status is `canceled` or `deleted`."""

    ids: NotRequired[list[str]]
    status: str


class JobFilters(TypedDict, total=False):
    """
    The filters of a list of jobs, https://docs.ionq.com/api-reference/v0.4/jobs/get-jobs.

    None is no filter. `ids` are the only wanted jobs; `parent_job_id` wants the jobs of the circuits of a multi-circuit
    job; `status` is one status; `target` is a backend, or several; `submitter_id` is a user, and ignored by the API for
    a user outside the project. `limit` is the number of jobs a page, reported as 25 at most; it does not limit the
    result.
    """

    ids: Sequence[str] | None
    parent_job_id: str | None
    status: str | None
    target: str | Sequence[str] | None
    session_id: str | None
    submitter_id: str | None
    limit: int | None


class Amount(TypedDict):
    """An amount of money: `unit` is `usd`, or `credit` for organisations that are billed in credits."""

    value: float
    unit: str


class JobCost(TypedDict):
    """
    The cost of a job, https://docs.ionq.com/api-reference/v0.4/jobs/get-job-cost.

    `cost` is the charge; both amounts are absent for a job that has no price, as on the simulator.
    """

    dry_run: bool
    estimated_cost: NotRequired[Amount]
    cost: NotRequired[Amount]


class JobEstimate(TypedDict):
    """
    The estimated cost of a job, https://docs.ionq.com/api-reference/v0.4/jobs/get-job-estimate.

    Earlier versions of the API name the cost `estimated_cost`, and its unit `cost_unit`. `estimated_execution_time` and
    `current_predicted_queue_time` are in milliseconds.
    """

    estimated_total_cost: NotRequired[float]
    estimated_unit: NotRequired[str]
    estimated_at: NotRequired[str]
    estimated_execution_time: NotRequired[int]
    estimated_quantum_compute_time_us: NotRequired[int]
    current_predicted_queue_time: NotRequired[int]
    estimate_context: NotRequired[dict[str, Any]]
    rate_card: NotRequired[dict[str, Any]]


class Usage(TypedDict, total=False):
    """The use of QPUs by an organisation, https://docs.ionq.com/guides/job-cost-and-usage; times in microseconds."""

    organization: str
    group_type: str
    modality: str
    usage_from: str
    usage_to: str
    usage_unit: str
    amount_total: float
    amount_totals: list[dict[str, Any]]
    job_count: int
    time_us_total: float
    usage_data: list[dict[str, Any]]


class Whoami(TypedDict):
    """The API key of the request, https://docs.ionq.com/api-reference/v0.4/util/whoami."""

    key_id: str
    key_name: str
    project_id: NotRequired[str | None]


class Backend(TypedDict):
    """A device or simulator, https://docs.ionq.com/api-reference/v0.4/backends/get-backends."""

    backend: str
    status: str
    qubits: int
    average_queue_time: float
    last_updated: str
    degraded: NotRequired[bool]
    characterization_id: NotRequired[str]
    kw: NotRequired[float]
    location: NotRequired[str]
