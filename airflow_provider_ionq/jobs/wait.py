"""Wait for a job on a worker, and end the wait at its time-out, without Airflow."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.api.errors import IonQError, IonQJobTimeoutError
from airflow_provider_ionq.jobs.cancel import cancel_job
from airflow_provider_ionq.jobs.failure import is_final
from airflow_provider_ionq.jobs.summary import predicted_wait

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.api.client import IonQClient
    from airflow_provider_ionq.api.models import Job
    from airflow_provider_ionq.waiting.blocking_poller import BlockingPoller


def wait_until_final(
    poller: BlockingPoller[Job],
    job: Job,
    *,
    interval: float,
    seconds: float,
    log: Any,
    sleep: Callable[[float], None] = time.sleep,
) -> Job:
    """
    Poll a job until it is final or the time is up; return its last JSON.

    :param poller: polls the job.
    :param job: its JSON.
    :param interval: time between two polls, in seconds; longer during an outage.
    :param seconds: longest wait, in seconds.
    :param log: logger for changes of the predicted wait.
    :param sleep: function that waits a number of seconds; may raise to end the wait.
    :raises IonQError: if the API refuses to show the job.
    """
    deadline = time.monotonic() + seconds
    logged = None
    while not is_final(job) and (remaining := deadline - time.monotonic()) > 0:
        if (predicted := predicted_wait(job)) != logged:
            logged = predicted
            if predicted is not None:
                log.info("The predicted wait of job %s is %s.", job["id"], predicted)
        sleep(min(poller.outage.pause_seconds(interval), remaining))
        job = poller.poll(job["id"]) or job
    return job


def end_late_wait(
    client: IonQClient,
    job_id: str,
    limit: str,
    log: Any,
    *,
    cancel: bool,
    sleep: Callable[[float], None] = time.sleep,
) -> Job:
    """
    Read a job whose wait has timed out, and cancel it if it is not final.

    :param client: client for the last requests.
    :param job_id: id of the job.
    :param limit: the time-out, for the error: "7 days".
    :param log: logger for the cancellation.
    :param cancel: whether to cancel it.
    :param sleep: function that waits a number of seconds.
    :return: the job, if it completed or failed after all.
    :raises IonQJobTimeoutError: if it did not.
    """
    late = f"Job {job_id} did not end within {limit}"
    try:
        job = client.get_job(job_id)
        if not is_final(job) and not cancel:
            raise IonQJobTimeoutError(f"{late}, and was not cancelled: it has the status {job['status']}.")
        if not is_final(job):
            job = cancel_job(client, job_id, log, sleep=sleep)
            if job["status"] == "canceled":
                raise IonQJobTimeoutError(f"{late}, and has been cancelled.")
    except IonQJobTimeoutError:
        raise
    except IonQError as error:
        raise IonQJobTimeoutError(f"{late}, and it may still cost money: {error}") from None
    return job
