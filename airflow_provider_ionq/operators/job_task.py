"""The Airflow task that submits a job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.providers.common.compat.sdk import AirflowNotFoundException

from airflow_provider_ionq.utils.links import IonQJobLink

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_ionq.api.models import Job
    from airflow_provider_ionq.api.settings import ClientSettings

JOB_ID_KEY = "ionq_job_id"
"""XCom: the id of the submitted job, for a process that Airflow starts without it."""


class JobInTask:
    """
    The :class:`~airflow_provider_ionq.jobs.intent.JobTask` of a task.

    :param ionq_conn_id: id of the current Airflow connection.
    :param context: the task's context.
    :param settings: the settings of the connection.
    """

    def __init__(self, ionq_conn_id: str, context: Context, settings: ClientSettings) -> None:
        self.connection = ionq_conn_id
        self._context = context
        self._url = settings.console_job_url

    def settings_of(self, connection: str) -> ClientSettings | None:
        """Return the settings of another Airflow connection; None when it does not exist."""
        from airflow_provider_ionq.hooks.ionq import IonQHook

        try:
            return IonQHook(connection).get_settings()
        except AirflowNotFoundException:
            return None

    def hand_on(self, job: Job) -> None:
        """Push the id of the job, and the link to it."""
        ti: Any = self._context["ti"]
        ti.xcom_push(JOB_ID_KEY, job["id"])
        # Airflow itself would write the link only when the task defers or ends.
        ti.xcom_push(IonQJobLink.XCOM_KEY, self._url.replace("{job_id}", quote(job["id"], safe="")))
