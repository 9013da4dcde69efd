"""Read the results of a job, show them in the task's log, and keep large ones out of Airflow's database."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from airflow_provider_ionq.api.errors import IonQConfigurationError, IonQResultsError
from airflow_provider_ionq.utils.result_store import check_store, file_of_results, path_text, write_bytes
from airflow_provider_ionq.utils.tasks import fail_on_permanent_errors, is_rendered_later

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence

    from airflow_provider_ionq.api.models import Job
    from airflow_provider_ionq.jobs.request import JobRequest
    from airflow_provider_ionq.results.models import JobResults
    from airflow_provider_ionq.results.wanted import Wanted

RESULTS_KEY = "job_results"
"""The key of the results in the JSON of a job."""


class ReadsResults:
    """
    A mixin for an operator that reads the results of a job.

    Must precede Airflow's base class.
    """

    template_fields_of_results = ("results_path", "histogram_path")
    """Its templated arguments."""

    ionq_conn_id: str
    task_id: str
    log: Any
    multiple_outputs: bool
    do_xcom_push: bool

    results: str | Sequence[str] | None
    results_path: str | None
    max_xcom_bytes: int
    histogram_path: str | None
    fail_on_partial_error: bool

    advice_on_retry = advice_on_clear = ""
    """What a retry does, and what a clear does: advice in errors that occur after the job was paid."""

    def set_results(
        self,
        results: str | Sequence[str] | None,
        results_path: str | os.PathLike[str] | None,
        max_xcom_bytes: int,
        histogram_path: str | os.PathLike[str] | None,
        fail_on_partial_error: bool,
    ) -> None:
        """
        Take the arguments of the constructor, and check those that are known when a DAG is parsed.

        :raises ValueError: naming the argument and the problem.
        """
        self.results = results
        self.results_path = path_text(results_path)
        self.max_xcom_bytes = max_xcom_bytes
        self.histogram_path = path_text(histogram_path)
        self.fail_on_partial_error = fail_on_partial_error
        if isinstance(max_xcom_bytes, bool) or not isinstance(max_xcom_bytes, int) or max_xcom_bytes < 0:
            raise ValueError(f"max_xcom_bytes must be a whole number of bytes from 0, not {max_xcom_bytes!r}")
        if results is None:
            unused = {"results_path": results_path, "histogram_path": histogram_path}
            if names := [name for name, value in unused.items() if value is not None]:
                raise ValueError(
                    f"{' and '.join(names)} cannot be used without results: give results, such as 'counts'"
                )
            return
        from airflow_provider_ionq.results.wanted import check_content

        check_content("results", self.content)
        self._check_paths(later=True)

    @property
    def content(self) -> Sequence[str]:
        """What to read; nothing if no results are wanted."""
        if self.results is None:
            return ()
        return (self.results,) if isinstance(self.results, str) else self.results

    def check_results_can_be_kept(self) -> None:
        """
        Check, before any request, that results can be stored and drawn on this worker.

        :raises IonQConfigurationError: naming the problem. A retry on another worker may help.
        """
        if self.results is None:
            return
        try:
            self._check_paths(later=False)
            if self.results_path is not None:
                check_store(self.results_path)
            if self.histogram_path is not None:
                from airflow_provider_ionq.results.pictures import check_matplotlib

                check_matplotlib()
                check_store(self.histogram_path)
        except Exception as error:  # a store of another provider may raise anything
            raise IonQConfigurationError(
                f"The results of the job cannot be stored or drawn, so no request was sent: {error}", retryable=True
            ) from None

    def wanted(self) -> Wanted:
        """Return what to read of the job."""
        raise NotImplementedError

    def read_results(self, job: Job) -> JobResults:
        """
        Read the results of a completed job, log them as a histogram, and draw it if `histogram_path` is given.

        :param job: its JSON.
        :raises IonQResultsError: if they cannot be read or drawn, and a retry may help.
        :raises IonQFailException: if a retry cannot help.
        """
        from airflow_provider_ionq.hooks.ionq import IonQHook
        from airflow_provider_ionq.results.fetch import fetch_results
        from airflow_provider_ionq.results.histogram import histogram_text

        with self._advising():
            results = fetch_results(IonQHook(self.ionq_conn_id).get_conn(), job, self.wanted())
            if results["circuits"]:
                self.log.info("%s", histogram_text(results))
                if self.histogram_path is not None:
                    self._draw(results, self.histogram_path)
        return results

    def small_enough(self, value: Any, results: JobResults) -> Any:
        """
        Return a value for XCom; if it is too large, store it and return its path.

        :param value: the value, which is JSON with the results.
        :param results: the results of the job.
        :raises IonQResultsError: if it is too large and cannot be stored, or there is no `results_path`.
        """
        job_id = results["job_id"]
        with self._advising():
            text = json.dumps(value)
            # Airflow pushes each output by itself, and all of them together.
            copies = (2 if self.multiple_outputs else 1) if self.do_xcom_push else 0
            if len(text) * copies <= self.max_xcom_bytes:
                return value
            if self.results_path is None:
                raise IonQResultsError(
                    f"The results of job {job_id} are too large for XCom: {len(text) * copies:,} bytes, and"
                    f" max_xcom_bytes is {self.max_xcom_bytes:,}. The job is completed and paid. Give results_path, a"
                    " folder or the URL of an object store, or fewer results.",
                    job_id,
                )
            path = file_of_results(self.results_path, job_id)
            with _naming_file(job_id, path):
                write_bytes(path, text.encode())
        self.log.info("The results of job %s have %s bytes, and are stored in %s.", job_id, f"{len(text):,}", path)
        return {"job_id": job_id, "status": results["status"], "type": results["type"], "path": path}

    def _draw(self, results: JobResults, path: str) -> None:
        from airflow_provider_ionq.results.pictures import save_histogram

        with _naming_file(results["job_id"], path):
            save_histogram(results, path, write=write_bytes)
        self.log.info("The histogram of job %s is in %s.", results["job_id"], path)

    def _check_paths(self, *, later: bool) -> None:
        """
        Check the paths.

        :param later: skip paths that are rendered later.
        """
        from airflow_provider_ionq.results.paths import check_location
        from airflow_provider_ionq.results.pictures import check_picture_path

        path = self.results_path
        if path is not None and not (later and is_rendered_later(path)):
            check_location("results_path", path)
        if self.histogram_path is not None and not (later and is_rendered_later(self.histogram_path)):
            check_picture_path("histogram_path", self.histogram_path)

    @contextmanager
    def _advising(self) -> Iterator[None]:
        """Add advice to an error for results; raise it so that Airflow retries the task only if that may help."""
        with fail_on_permanent_errors(self.ionq_conn_id):
            try:
                yield
            except IonQResultsError as error:
                advice = (self.advice_on_retry if error.retryable else "", self.advice_on_clear)
                text = " ".join(filter(None, (str(error), *advice)))
                raise IonQResultsError(text, error.job_id, retryable=error.retryable, reason=error.reason) from None


class ReturnsOwnResults(ReadsResults):
    """A mixin for an operator that returns the JSON of the job that it submitted, with its results."""

    wait_for_completion: bool
    is_dry_run: bool

    advice_on_retry = "A retry of the task reads the results again and submits no job."
    advice_on_clear = "Clearing the task submits a new job, unless reuse_on_clear is set."

    def job_request(self) -> JobRequest:
        """Return the job that the task submits."""
        raise NotImplementedError

    def wanted(self) -> Wanted:
        """Return what to read of the job, with what the task knows of it."""
        from airflow_provider_ionq.jobs.wanted import wanted_of

        return wanted_of(self.job_request(), self.content, fail_on_partial_error=self.fail_on_partial_error)

    def with_results(self, job: Job) -> Job:
        """Return the JSON of a completed job, with its results if they are wanted."""
        if self.results is None:
            return job
        results = self.read_results(job)
        return cast("Job", {**job, RESULTS_KEY: self.small_enough(results, results)})


@contextmanager
def _naming_file(job_id: str, path: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # a store of another provider may raise anything
        raise IonQResultsError(
            f"The results of job {job_id} cannot be written to {path}: {type(error).__name__}: {error}. The job is"
            " completed and paid.",
            job_id,
            reason=error,
        ) from None
