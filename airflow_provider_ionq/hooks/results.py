"""The methods of the IonQ hook for the results of jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.hooks.methods import HookMethods, plain_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_ionq.results.models import Content, JobResults


class ResultMethods(HookMethods):
    """The methods for results, as a part of :class:`~airflow_provider_ionq.hooks.ionq.IonQHook`."""

    def get_results(
        self,
        job_id: str | Mapping[str, Any],
        *,
        content: Sequence[Content] = ("probabilities", "counts"),
        aggregation: str | None = None,
        variant: str | None = None,
        program: Mapping[str, Any] | Sequence[Any] | None = None,
        shots: int | None = None,
        fail_on_partial_error: bool = True,
    ) -> JobResults:
        """
        Return the results of a completed job, in the registers of its circuits.

        Sends a request for the job, and the requests of :func:`~airflow_provider_ionq.results.fetch.fetch_results`.

        :param job_id: id of the job, or its JSON. The id of one circuit's job is possible too.
        :param content: what to return: `probabilities`, `counts` and `shots`. The ideal simulator has no shots.
        :param aggregation: how the variants of a job with debiasing are aggregated: `average`, `voting`, `dnl` or
            `majority`; None for the result of the job itself.
        :param variant: id of a variant of a job with debiasing; None for the result of the job itself.
        :param program: what the job ran, as :func:`~airflow_provider_ionq.circuits.program.to_ionq_program` returned
            it, or a list of these; needed only if the registers were too long for the job's metadata.
        :param shots: number of shots of a job on the ideal simulator, whose JSON does not have it: the counts are
            derived from probabilities, and their sum is this number. None leaves such counts out.
        :param fail_on_partial_error: raise an error if a circuit of a multi-circuit job has no result. False returns it
            with its status and failure.
        :raises IonQResultsError: if the results do not exist, or cannot be read or decoded; names the job and the
            circuit. If `retryable` is set, a later call may succeed.
        :raises IonQError: if the job itself cannot be read.

        https://docs.ionq.com/api-reference/v0.4/jobs/get-job-artifact
        """
        from airflow_provider_ionq.jobs.programs import layouts_of_program
        from airflow_provider_ionq.results.fetch import fetch_results
        from airflow_provider_ionq.results.wanted import Wanted

        wanted = Wanted(
            content=content,
            aggregation=aggregation,
            variant=variant,
            fail_on_partial_error=fail_on_partial_error,
            layouts=None if program is None else layouts_of_program(program),
            shots=shots,
        )
        client = self.get_conn()
        return fetch_results(client, client.get_job(plain_id(job_id)), wanted)
