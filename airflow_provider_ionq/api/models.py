"""
Types of the API's JSON.

Nothing is converted or dropped: a field that the API adds later reaches XCom unchanged. Only the keys that the provider
relies on are checked, in :mod:`airflow_provider_ionq.api.client`.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict


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


class Job(TypedDict):
    """
    A job, https://docs.ionq.com/api-reference/v0.4/jobs/get-jobs.

    `status` is documented as `submitted`, `ready`, `started`, `completed`, `failed` or `canceled`. Only the keys that
    the provider relies on are listed here; the API returns more.
    """

    id: str
    status: str
    session_id: NotRequired[str | None]


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
