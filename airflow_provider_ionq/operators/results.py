"""The operator that reads the results of an IonQ job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_ionq.api.arguments import is_absent, whole_of
from airflow_provider_ionq.exceptions import IonQFailException
from airflow_provider_ionq.get_provider_info import DEFAULT_CONN_ID
from airflow_provider_ionq.operators.job_results import ReadsResults
from airflow_provider_ionq.utils.ids import TakesJobId, checked_id
from airflow_provider_ionq.utils.result_store import MAX_XCOM_BYTES, load_results
from airflow_provider_ionq.utils.tasks import fail_on_permanent_errors, is_rendered_later, refusals_name_task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_ionq.results.wanted import Wanted

__all__ = ["IonQGetResultsOperator", "load_results"]


class IonQGetResultsOperator(TakesJobId, ReadsResults, BaseOperator):
    """
    Read the results of a completed IonQ job, and return them.

    The bit strings are in the registers of the job's circuits, which the job's metadata has for Qiskit and Cirq.
    Results that are too large for XCom are stored under `results_path`, and the XCom has the path:
    :func:`~airflow_provider_ionq.utils.result_store.load_results` reads both forms.

    It does not wait: if the job is not completed yet, the task fails, and may be retried. To wait for the job, use
    :class:`~airflow_provider_ionq.sensors.job.IonQJobSensor`.

    :param job_id: id of the job, or its JSON (templated).
    :param results: which results to read: `probabilities`, `counts` or `shots`, or a list of these. The ideal simulator
        has no shots.
    :param aggregation: how the variants of a job with debiasing are aggregated: `average`, `voting`, `dnl` or
        `majority`; None for the result of the job itself (templated).
    :param variant: id of a variant of a job with debiasing; None for the result of the job itself (templated).
    :param program: what the job ran, as :func:`~airflow_provider_ionq.circuits.program.to_ionq_program` returned it, or
        a list of these; needed only if the registers were too long for the job's metadata (templated).
    :param shots: number of shots of a job on the ideal simulator, whose JSON does not have it: the counts are derived
        from probabilities, and their sum is this number. None leaves such counts out (templated).
    :param results_path: folder for results that are too large for XCom, as an absolute path or a URL for Airflow's
        `ObjectStoragePath`, such as `s3://conn_id@bucket/results`; None fails the task for such results (templated).
    :param max_xcom_bytes: largest size of results in XCom, in bytes, of all copies together: with `multiple_outputs`
        there are two.
    :param histogram_path: absolute path or URL of a picture of the results, which ends in `.png` or `.svg`; None for
        none (templated).
    :param fail_on_partial_error: fail the task if circuits of a multi-circuit job failed. False returns their status
        and failure.
    :param ionq_conn_id: id of the Airflow connection of type `ionq` (templated).
    :raises IonQFailException: without retries, if the job is unknown, failed, or does not have the requested results.
    :raises IonQResultsError: if the job is not completed yet, or its results cannot be read or stored now.
    :raises IonQError: on other transient errors.

    https://docs.ionq.com/api-reference/v0.4/jobs/get-job-artifact
    """

    template_fields: Sequence[str] = (
        "job_id",
        "aggregation",
        "variant",
        "program",
        "shots",
        *ReadsResults.template_fields_of_results,
        "ionq_conn_id",
    )
    ui_color = "#f6ead7"

    def __init__(
        self,
        *,
        job_id: Any,
        results: str | Sequence[str] = ("probabilities", "counts"),
        aggregation: str | None = None,
        variant: str | None = None,
        program: Mapping[str, Any] | Sequence[Any] | str | None = None,
        shots: int | str | None = None,
        results_path: str | None = None,
        max_xcom_bytes: int = MAX_XCOM_BYTES,
        histogram_path: str | None = None,
        fail_on_partial_error: bool = True,
        ionq_conn_id: str = DEFAULT_CONN_ID,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.job_id = job_id
        self.aggregation = aggregation
        self.variant = variant
        self.program = program
        self.shots = shots
        self.ionq_conn_id = ionq_conn_id
        with refusals_name_task(self):
            self.set_results(results, results_path, max_xcom_bytes, histogram_path, fail_on_partial_error)
            if not is_rendered_later([aggregation, variant, program, shots]):
                self._wanted()

    def execute(self, context: Context) -> Any:
        """Return the results, or the path of the file that has them."""
        from airflow_provider_ionq.hooks.ionq import IonQHook

        job_id = checked_id(self.job_id, "job_id")
        with fail_on_permanent_errors(self.ionq_conn_id):
            self.wanted()
            self.check_results_can_be_kept()
            job = IonQHook(self.ionq_conn_id).get_job(job_id)
        results = self.read_results(job)
        return self.small_enough(results, results)

    def wanted(self) -> Wanted:
        """
        Return what to read of the job.

        :raises IonQFailException: naming the invalid argument.
        """
        try:
            return self._wanted()
        except ValueError as error:
            raise IonQFailException(f"Invalid argument: {error}", reason=error) from None

    def _wanted(self) -> Wanted:
        from airflow_provider_ionq.jobs.programs import layouts_of_program
        from airflow_provider_ionq.jobs.request import MOST_SHOTS
        from airflow_provider_ionq.results.wanted import Wanted

        return Wanted(
            content=self.content,
            aggregation=None if is_absent(self.aggregation) else self.aggregation,
            variant=None if is_absent(self.variant) else self.variant,
            fail_on_partial_error=self.fail_on_partial_error,
            layouts=None if is_absent(self.program) else layouts_of_program(self.program),
            shots=whole_of("shots", self.shots, f"a whole number from 1 to {MOST_SHOTS}", MOST_SHOTS),
        )
