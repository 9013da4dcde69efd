"""The trigger of the deferrable session sensor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ionq.sessions.resource import SESSIONS
from airflow_provider_ionq.sessions.target import SessionTarget
from airflow_provider_ionq.triggers.base import IonQResourceTrigger

if TYPE_CHECKING:
    from collections.abc import Collection


class IonQSessionTrigger(IonQResourceTrigger):
    """
    Wait for an IonQ session in the triggerer; all triggers of one connection share one poll.

    Fires once, with `session_id`; `session`: the session's JSON from the last poll, or None if the API rejects the
    request and the task should poll itself; `first_look`: whether that was the first poll of the wait; and `remaining`:
    the rest of the time-out in seconds, None if Airflow does not expose it. Leaves the outcome to the task, except with
    `end_from_trigger`. Errors of the API do not fail the trigger. The arguments never contain the API key.

    :param session_id: id of the session.
    :param ionq_conn_id: id of the Airflow connection.
    :param status: the awaited status, or a collection of alternatives; None ignores the status.
    :param active: the awaited active flag; None ignores the flag.
    :param poke_interval: the longest time between two polls, in seconds.
    :param end_from_trigger: end the task as a success from the trigger when the target is met.
    :param push_xcom: push the session's JSON when the trigger ends the task, if Airflow supports it.
    :param timeout: the task's time-out in seconds if the wait begins here; None if a worker has already polled.
    :param remaining: the rest of the time-out when a worker deferred the task, in seconds, for use without a triggerer,
        as in `dag.test()`; None if the wait begins here.
    """

    arguments = (
        "session_id",
        "ionq_conn_id",
        "status",
        "active",
        "poke_interval",
        "end_from_trigger",
        "push_xcom",
        "timeout",
        "remaining",
    )
    resource = SESSIONS

    def __init__(
        self,
        session_id: str,
        ionq_conn_id: str,
        status: str | Collection[str] | None,
        active: bool | None,
        poke_interval: float,
        end_from_trigger: bool = False,
        push_xcom: bool = True,
        timeout: float | None = None,
        remaining: float | None = None,
    ) -> None:
        super().__init__(
            ionq_conn_id, poke_interval, timeout, remaining, end_from_trigger=end_from_trigger, push_xcom=push_xcom
        )
        self.session_id = session_id
        self.target = SessionTarget.of(status, active)
        self.status = None if self.target.statuses is None else list(self.target.statuses)
        self.active = active
