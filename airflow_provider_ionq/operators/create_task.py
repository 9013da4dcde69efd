"""The task that creates a session, behind an interface without Airflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import AirflowNotFoundException

from airflow_provider_ionq.operators.end_tasks import missing_end_reason
from airflow_provider_ionq.utils.tasks import push_session

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator, Context

    from airflow_provider_ionq.api.models import Session
    from airflow_provider_ionq.api.settings import ClientSettings


class OperatorCreateTask:
    """
    The :class:`~airflow_provider_ionq.sessions.intent.CreateTask` of an operator.

    :param operator: the operator that creates the session.
    :param connection: id of the Airflow connection that it creates the session with.
    :param context: the context of its task.
    """

    def __init__(self, operator: BaseOperator, connection: str, context: Context) -> None:
        self.connection = connection
        self._operator = operator
        self._context = context

    def missing_end_reason(self) -> str | None:
        return missing_end_reason(self._operator, self._context)

    def settings_of(self, connection: str) -> ClientSettings | None:
        from airflow_provider_ionq.hooks.ionq import IonQHook

        try:
            return IonQHook(connection).get_settings()
        except AirflowNotFoundException:
            return None

    def hand_on(self, session: Session) -> None:
        push_session(self._operator, self._context, session)
