"""The responsibility of a task for its job: what happens to the job when the task is killed or fails."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException, AirflowTaskTimeout

from airflow_provider_ionq.api.errors import IonQCreateStoppedError, IonQError, IonQJobTimeoutError
from airflow_provider_ionq.utils.tasks import is_run_again

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_ionq.api.models import Job
    from airflow_provider_ionq.jobs.intent import JobIntent
    from airflow_provider_ionq.jobs.left_job import LeftJob
    from airflow_provider_ionq.waiting.create_once import CreateOnce
    from airflow_provider_ionq.waiting.request_clients import RequestClients


class AnswersForOwnJob:
    """
    A mixin for an operator that cancels the job that it submitted when it is killed, or when no other try will wait.

    Must precede Airflow's base class. While the task is deferred, the trigger's `on_kill` does so instead.
    """

    ionq_conn_id: str
    cancel_on_kill: bool
    cancel_on_timeout: bool
    log: Any

    _creator: CreateOnce[Job, JobIntent] | None = None
    _left: LeftJob | None = None
    """The job of an earlier try, until this one continues with it."""
    _killed = False

    def on_kill(self) -> None:
        """Cancel the job if `cancel_on_kill` is set and the job is not final."""
        self._killed = True
        if self._creator is not None:
            self._creator.stop()
        if self._left is not None and (self._creator is None or self._creator.item_id is None):
            self._left.request_cancellation()

    @contextmanager
    def responsible(self, creator: CreateOnce[Job, JobIntent], context: Context) -> Iterator[None]:
        """
        Cancel the job if the block fails and no other try will continue with the job.

        A process whose supervisor has died fails too, possibly while the next try already waits for the job.
        """
        self._creator = creator
        try:
            self.check_not_killed()
            yield
            self.check_not_killed()
        except IonQJobTimeoutError:
            raise
        except AirflowTaskTimeout:
            if self.cancel_on_timeout:
                creator.stop(always=True)
                if creator.item_id is None and self._left is not None:
                    self._left.cancel(always=True)
            raise
        except BaseException as error:
            if self._killed or not is_retried(error, context):
                creator.stop()
            raise
        finally:
            # After `execution_timeout`, Airflow calls `on_kill` too.
            self._creator = self._left = None

    @contextmanager
    def responsible_for_left_job(self, context: Context) -> Iterator[None]:
        """
        Cancel the job of an earlier try if the block fails before it continues with that job, and no other try will.

        The block may take long, and fail: it may call a function of a user.
        """
        if is_run_again(context):
            self._left = self._left_job(context)
        try:
            yield
        except AirflowTaskTimeout:
            left, self._left = self._left, None
            if left is not None and self.cancel_on_timeout:
                left.cancel(always=True)
            raise
        except BaseException as error:
            if self._left is not None and not self._killed and not is_retried(error, context):
                self._left.cancel()
            raise

    def check_not_killed(self) -> None:
        """
        Check that the task may go on.

        :raises IonQCreateStoppedError: after :meth:`on_kill`.
        """
        # Airflow continues `execute` after `on_kill`, and would take its end for a success.
        if self._killed:
            raise IonQCreateStoppedError("The task is being killed.")

    def _left_job(self, context: Context) -> LeftJob:
        # Imported here because they load the HTTP library, which parsing a DAG must not.
        from airflow_provider_ionq.hooks.ionq import IonQHook
        from airflow_provider_ionq.jobs.left_job import LeftJob
        from airflow_provider_ionq.operators.job_task import JobInTask
        from airflow_provider_ionq.utils.job_memory import JobMemory, identity_of
        from airflow_provider_ionq.waiting.request_clients import RequestClients

        def clients_of(connection: str | None) -> RequestClients:
            conn_id = connection or self.ionq_conn_id
            settings = IonQHook(conn_id).get_settings()
            return RequestClients(settings, JobInTask(conn_id, context, settings))

        return LeftJob(JobMemory(context), identity_of(context), clients_of, self.log, cancel=self.cancel_on_kill)


def is_retried(error: BaseException, context: Context) -> bool:
    """Return whether Airflow retries a task after an error."""
    if not isinstance(error, Exception) or isinstance(error, (AirflowFailException, AirflowSkipException)):
        return False
    ti: Any = context["ti"]
    return ti.try_number <= ti.max_tries and not (isinstance(error, IonQError) and not error.retryable)
