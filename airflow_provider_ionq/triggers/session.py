"""The trigger behind the deferrable session sensor."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, cast

from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS
from airflow.triggers.base import BaseTrigger, TaskSuccessEvent, TriggerEvent

from airflow_provider_ionq.exceptions import IonQFailException
from airflow_provider_ionq.sessions.target import Outcome, Target, decide
from airflow_provider_ionq.utils.tasks import checked_session_id
from airflow_provider_ionq.utils.trigger_timeout import end_where_airflow_does_not, remaining_seconds
from airflow_provider_ionq.waiting.durations import duration_text
from airflow_provider_ionq.waiting.registry import subscribe
from airflow_provider_ionq.waiting.waiter import Notice

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection

    from airflow_provider_ionq.api.models import Session

FIRST_LOOK_WITHIN_SECONDS = 60.0
"""
The first poll of a wait older than this is not taken for its first look.

A trigger forgets what it saw when its triggerer is restarted, and a mistake is believed at the first look only.
"""


class IonQSessionTrigger(BaseTrigger):
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
        super().__init__()  # type: ignore[no-untyped-call]
        self.session_id = session_id
        self.ionq_conn_id = ionq_conn_id
        self.status = status
        self.active = active
        self.poke_interval = poke_interval
        self.end_from_trigger = end_from_trigger
        self.push_xcom = push_xcom
        self.timeout = timeout
        self.remaining = remaining
        self.began = time.monotonic()

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return class path and arguments; both outlive upgrades, deferred tasks hold them in the database."""
        statuses = Target.of(self.status, self.active).statuses
        return (
            "airflow_provider_ionq.triggers.session.IonQSessionTrigger",
            {
                "session_id": self.session_id,
                "ionq_conn_id": self.ionq_conn_id,
                "status": None if statuses is None else list(statuses),
                "active": self.active,
                "poke_interval": self.poke_interval,
                "end_from_trigger": self.end_from_trigger,
                "push_xcom": self.push_xcom,
                "timeout": self.timeout,
                "remaining": self.remaining,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and fire once."""
        try:
            # It may have been rendered to a session's JSON.
            self.session_id = checked_session_id(self.session_id)
        except IonQFailException:
            # A worker says what is wrong: a trigger that raises is retried.
            yield self._event(None, first_look=True)
            return
        target = Target.of(self.status, self.active)
        if self.timeout is not None:
            self.log.info(
                "Waiting for IonQ session %s to have %s; looking every %s for at most %s.",
                self.session_id,
                target,
                duration_text(self.poke_interval),
                duration_text(self.timeout),
            )
        unseen = self._is_begin_of_wait()
        with subscribe(self.ionq_conn_id, self.session_id, target, self.poke_interval, unseen=unseen) as waiter:
            end_where_airflow_does_not(self, waiter)
            while isinstance(news := await waiter.next(), Notice):
                self.log.log(news.level, news.text)
        if self.end_from_trigger and news.session is not None:
            decision = decide(news.session, target)
            if decision.outcome is Outcome.REACHED:
                self.log.info("%s", decision.reason)
                yield self._end(news.session)
                return
        yield self._event(news.session, first_look=news.first_look)

    def _event(self, session: Session | None, *, first_look: bool) -> TriggerEvent:
        return TriggerEvent(
            {
                "session_id": self.session_id,
                "session": session,
                "first_look": first_look,
                "remaining": remaining_seconds(self),
            }
        )

    def _end(self, session: Session) -> TaskSuccessEvent:
        if not self.push_xcom:
            return TaskSuccessEvent()
        if not AIRFLOW_V_3_0_PLUS:
            return TaskSuccessEvent(xcoms={"return_value": cast("Any", session)})
        # It would push the JSON of the JSON: a string where every other mode pushes an object.
        self.log.info("The triggerer ends the task without an XCom: Airflow 3 cannot push an object from there.")
        return TaskSuccessEvent()

    def _is_begin_of_wait(self) -> bool:
        remaining = remaining_seconds(self)
        if self.timeout is None or remaining is None:
            return False
        return self.timeout - remaining <= FIRST_LOOK_WITHIN_SECONDS
