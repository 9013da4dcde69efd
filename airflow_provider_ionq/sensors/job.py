"""Sensors on IonQ jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.exceptions import IonQFailException, IonQImpossibleStateException
from airflow_provider_ionq.jobs.resource import JOBS
from airflow_provider_ionq.jobs.target import JobTarget
from airflow_provider_ionq.sensors.base import IonQResourceSensor
from airflow_provider_ionq.utils.ids import TakesJobId
from airflow_provider_ionq.utils.tasks import is_rendered_later, refusals_name_task

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from airflow_provider_ionq.api.models import Job


class IonQJobSensor(TakesJobId, IonQResourceSensor):
    """
    Wait for an IonQ job, whoever submitted it, to have a status; return its JSON from the poll that shows it.

    Fails at once, without retries, if the job can never have that status: it has failed, was canceled, or has passed
    the status; the error gives the job's failure code and message. Also fails at once if the first poll shows a
    mistake: a rejected key, an unknown job or host, an invalid id. With `soft_fail` these skip the task. Outages are
    waited out until `timeout`, including rate limits and, once the wait has begun, the rotation of a key.

    Does not cancel the job, also not after a time-out.

    :param job_id: id of the job, or its JSON, such as `run.output` (templated).
    :param status: the awaited status, or a collection of alternatives: `submitted`, `ready`, `started`, `completed`,
        `failed`, `canceled` (templated). A job that is completed does not count as `started`: use
        `("started", "completed")` to accept both.
    :param ionq_conn_id: id of the Airflow connection of type `ionq` (templated).
    :param deferrable: wait in the triggerer, without a worker slot and with one request per interval for up to 25 jobs
        of a connection, regardless of `mode`; needs a running triggerer. None means `[operators] default_deferrable`,
        unless `silent_fail`, `exponential_backoff` or `max_wait` is set, which only a worker supports.
    :param start_from_trigger: begin the wait in the triggerer, without a worker (Airflow 3.3); makes the sensor
        deferrable. If that is not certain to work, the wait begins on a worker and the task's log gives the reason; see
        :class:`~airflow_provider_ionq.sensors.session.IonQSessionSensor`.
    :param end_from_trigger: end a successful task from the triggerer, without a worker; makes the sensor deferrable.
        Pushes no XCom on Airflow 3, which cannot push an object from there, and on Airflow 2 the job's JSON without
        `child_job_ids`. Any other outcome still ends on a worker. Cannot be combined with `outlets` or
        `multiple_outputs`.
    :param poke_interval: time between two polls, in seconds or as a timedelta, above 0.
    :param timeout: longest wait in seconds or as a timedelta, after which the task fails without retries.
    :raises IonQImpossibleStateException: if the job can never have the awaited status.
    :raises IonQFailException: on a mistake, and on two consecutive rejections by the API.
    :raises AirflowSensorTimeout: after `timeout` and a last poll.

    https://docs.ionq.com/api-reference/v0.4/jobs/get-job
    """

    resource = JOBS
    trigger_class_path = "airflow_provider_ionq.triggers.job.IonQJobTrigger"
    impossible_error = IonQImpossibleStateException
    target_fields = ("status",)
    template_fields: Sequence[str] = ("job_id", "ionq_conn_id", "status")

    def __init__(
        self, *, job_id: str | Mapping[str, Any], status: str | Collection[str] = "completed", **kwargs: Any
    ) -> None:
        with refusals_name_task(self):
            super().__init__(**kwargs)
            self.job_id = job_id
            # The order of a set differs between processes, which Airflow would treat as a new version of the DAG.
            self.status = sorted(status, key=str) if isinstance(status, (set, frozenset)) else status
            if not is_rendered_later(self.status):
                JobTarget.of(self.status)
            self.prepare()

    def target(self) -> JobTarget:
        """Return the target; `status` must be rendered."""
        try:
            return JobTarget.of(self.status)
        except ValueError as error:
            raise IonQFailException(f"status rendered to an invalid target: {error}") from None

    def trigger_arguments(self) -> dict[str, Any]:
        """Return the awaited statuses."""
        return {"status": list(self.target().statuses)}

    def describe(self, item: Job) -> str:
        """Return the status of the last poll."""
        return f"its status is {item['status']!r}"
