"""The trigger behind the deferrable session sensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS
from airflow.triggers.base import TaskSuccessEvent

from airflow_provider_ionq.exceptions import IonQFailException
from airflow_provider_ionq.sessions.resource import SESSIONS
from airflow_provider_ionq.sessions.target import SessionTarget
from airflow_provider_ionq.triggers.base import IonQResourceTrigger
from airflow_provider_ionq.utils.tasks import checked_session_id
from airflow_provider_ionq.waiting.decision import Outcome
from airflow_provider_ionq.waiting.durations import duration_text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection

    from airflow.triggers.base import TriggerEvent

    from airflow_provider_ionq.api.models import Session


class IonQSessionTrigger(IonQResourceTrigger):
    """
    Wait for an IonQ session in the triggerer; all triggers of one connection share one poll.

    Fires once, with `session_id`, `session`: the session's JSON as it was seen when nothing was left to wait for, or
    None when the API refuses to show it and the task should look for itself, `first_look`: whether that was the first
    look of the wait, and `remaining`: how much of the time-out is left, in seconds, None where Airflow does not tell.
    Does not judge, but for `end_from_trigger`, and does not fail for anything the API says. The arguments hold names
    only, never the API key.

    :param session_id: id of the session.
    :param ionq_conn_id: id of the Airflow connection.
    :param status: the awaited status, or a collection of which any will do; None leaves the status out of it.
    :param active: the awaited active flag; None leaves the flag out of it.
    :param poke_interval: the longest time between two looks, in seconds.
    :param end_from_trigger: end the task as a success from here when the session has what is awaited.
    :param push_xcom: push the session's JSON when the task is ended from here, where Airflow can.
    :param timeout: the task's time-out in seconds if the wait begins here; None if a worker has looked before.
    :param remaining: what was left of the time-out when a worker deferred the task, in seconds, for where no triggerer
        ends the wait, as in `dag.test()`; None if the wait begins here.
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
        super().__init__(ionq_conn_id, poke_interval, timeout, remaining)
        self.session_id = session_id
        self.target = SessionTarget.of(status, active)
        self.status = None if self.target.statuses is None else list(self.target.statuses)
        self.active = active
        self.end_from_trigger = end_from_trigger
        self.push_xcom = push_xcom

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and fire once."""
        try:
            # It may have been rendered to a session's JSON.
            self.session_id = checked_session_id(self.session_id)
        except IonQFailException:
            # A worker says what is wrong: a trigger that raises is retried.
            yield self.event(self.session_id, None, first_poll=True)
            return
        if self.timeout is not None:
            self.log.info(
                "Waiting for IonQ session %s to have %s; polling every %s for at most %s.",
                self.session_id,
                self.target,
                duration_text(self.poke_interval),
                duration_text(self.timeout),
            )
        result = await self.wait_for(self.session_id, self.target)
        if self.end_from_trigger and result.item is not None:
            decision = self.target.decide(result.item)
            if decision.outcome is Outcome.MET:
                self.log.info("%s", decision.reason)
                yield self._end(result.item)
                return
        yield self.event(self.session_id, result.item, first_poll=result.first_poll)

    def _end(self, session: Session) -> TaskSuccessEvent:
        if not self.push_xcom:
            return TaskSuccessEvent()
        if not AIRFLOW_V_3_0_PLUS:
            return TaskSuccessEvent(xcoms={"return_value": cast("Any", session)})
        # It would push the JSON of the JSON: a string where every other mode pushes an object.
        self.log.info("The triggerer ends the task without an XCom: Airflow 3 cannot push an object from there.")
        return TaskSuccessEvent()
