"""The operator that runs an IonQ job."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_ionq.api.arguments import flag_of
from airflow_provider_ionq.exceptions import IonQFailException
from airflow_provider_ionq.get_provider_info import DEFAULT_CONN_ID
from airflow_provider_ionq.jobs.failure import is_final
from airflow_provider_ionq.operators.job_arguments import REQUEST_FIELDS, check_known_arguments, usd_of
from airflow_provider_ionq.operators.job_results import ReturnsOwnResults
from airflow_provider_ionq.operators.job_task import JobInTask
from airflow_provider_ionq.operators.job_wait import WaitsForOwnJob
from airflow_provider_ionq.utils.ids import ItemId
from airflow_provider_ionq.utils.links import IonQJobLink
from airflow_provider_ionq.utils.result_store import MAX_XCOM_BYTES
from airflow_provider_ionq.utils.tasks import (
    fail_on_permanent_errors,
    push_outputs,
    refusals_name_task,
    seconds_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_ionq.api.models import Job
    from airflow_provider_ionq.jobs.intent import JobIntent
    from airflow_provider_ionq.jobs.request import JobRequest
    from airflow_provider_ionq.jobs.submit_options import SubmitOptions
    from airflow_provider_ionq.waiting.create_once import CreateOnce


class IonQRunJobOperator(ReturnsOwnResults, WaitsForOwnJob, BaseOperator):
    """
    Run an IonQ job: submit it once, wait for it, and return its JSON.

    - The job is submitted once per task instance. A token in its metadata, under `airflow_task`, names the task and the
      input. A retry, after a crash or a lost response too, continues with its own job; it submits another one only if
      that has failed or was canceled. If the jobs cannot be read, nothing is submitted.
    - When the task is cleared, a job that is not final is cancelled, and a new one is submitted; see `reuse_on_clear`.
    - `max_cost_usd` limits what all tries of the task may cost together. Without it a job on a device has no limit, and
      the log has a warning.
    - The job is cancelled when the task is killed or times out, unless it is final. What has run may be charged. Before
      Airflow 3.3, a deferred task does not learn that it is killed, and the job goes on.
    - A failed job fails the task with IonQ's failure code and message. The task is retried only if the failure is
      the service's fault.

    The result is the JSON of the completed job, with its figures under `summary`: times in seconds, gates and cost.
    Downstream, `run.output["id"]` is its id: each field is also pushed under its own name, unless
    `multiple_outputs=False`. With `results`, `run.output["job_results"]` has the results, or, if these are large, the
    path of their file: :func:`~airflow_provider_ionq.utils.result_store.load_results` reads both.

    Exactly one of `circuit`, `circuits` and `qasm` is required. Each may be the name of a template file that ends in
    `.json` or `.qasm`.

    :param backend: name of the device, such as `qpu.forte-1`, or `simulator` (templated).
    :param circuit: a list of gates in IonQ's JSON, or IonQ's `input` object with the list as `circuit`; or the text of
        either (templated).
    :param circuits: several circuits of one job, each like `circuit` and with an optional `name` (templated).
    :param qasm: an OpenQASM 3 program (templated). IonQ checks it after the submission, and fails the job.
    :param gateset: `qis` or `native`; None for that of the circuit, else `qis` (templated).
    :param qubits: number of qubits; None counts those that the gates use (templated).
    :param shots: number of shots, 1 to 1,000,000; None for the API's default of 100 (templated).
    :param name: name of the job in IonQ's console; None for none (templated).
    :param metadata: labels of the job, text to text (templated).
    :param noise: noise model of the simulator: its name, or an object with `model` and `seed` (templated).
    :param error_mitigation: IonQ's settings of error mitigation, such as `{"debiasing": True}` (templated).
    :param settings: further `settings` of the API (templated).
    :param dry_run: compile and price the job without running it.
    :param session_id: id of the session of the job, or its JSON; None for no session (templated). In an
        :func:`~airflow_provider_ionq.task_groups.session.ionq_session` for the same device, None means its session.
    :param wait_for_completion: wait until the job ends. False returns its JSON after the submission, and nothing
        cancels the job.
    :param deferrable: wait in the triggerer, which must be running. False waits on a worker, and holds it.
    :param poke_interval: time between two polls of the job, in seconds or as a timedelta, above 0.
    :param timeout: longest wait for the job, in seconds or as a timedelta, above 0, after which the task fails without
        retries.
    :param cancel_on_kill: cancel the job when the task is killed.
    :param cancel_on_timeout: cancel the job when `timeout` or `execution_timeout` is reached.
    :param max_cost_usd: limit of what all tries of the task may cost together, in US dollars; None for no limit
        (templated). A cleared task begins anew.
    :param session_max_cost_usd: limit of what all jobs of the session may cost together, in US dollars, whoever
        submits them; None for no limit (templated). If another job is submitted at the same moment, and both do not
        fit, the later one is cancelled. `max_cost_usd` of `ionq_session` sets it.
    :param cost_check: how to learn the price: `estimate`, or `dry_run` of the job; None for an estimate where the gates
        can be counted, else a dry run.
    :param on_changed_input: what a retry does if an earlier try submitted a job for another input: `fail`, or cancel it
        unless it is final, and `resubmit`.
    :param reuse_on_clear: when the task is cleared, use a completed job for the same input again, or continue with a
        running one.
    :param rehearse: run the job on `simulator` with the noise model of the device, without the session, and free of
        charge (templated: `True` or `False`). A job in a session that is rehearsed always is.
    :param results: which results to read: `probabilities`, `counts` or `shots`, or a list of these; None for none. The
        ideal simulator has no shots.
    :param results_path: folder for results that are too large for XCom, as an absolute path or a URL for Airflow's
        `ObjectStoragePath`, such as `s3://conn_id@bucket/results`; None fails the task for such results (templated).
    :param max_xcom_bytes: largest size of results in XCom, in bytes, of all copies together: with `multiple_outputs`
        there are two.
    :param histogram_path: absolute path or URL of a picture of the results, which ends in `.png` or `.svg`; None for
        none (templated).
    :param fail_on_partial_error: with `results`, fail the task if circuits of a multi-circuit job failed. False returns
        their status and failure.
    :param ionq_conn_id: id of the Airflow connection of type `ionq` (templated).
    :raises IonQFailException: without retries, on permanent errors: an invalid argument, a job that would exceed its
        budget or whose price is unknown, a changed input, a time-out, a job that was canceled, or that failed through
        no fault of the service. Its `reason` is the error of :mod:`airflow_provider_ionq.api.errors`.
    :raises IonQResultsError: if the results of the completed job cannot be read or stored; a retry reads them again.
    :raises IonQError: on other transient errors; nothing was submitted twice.

    https://docs.ionq.com/api-reference/v0.4/jobs/create-job
    """

    template_fields: Sequence[str] = (
        *REQUEST_FIELDS,
        "max_cost_usd",
        "session_max_cost_usd",
        "rehearse",
        *ReturnsOwnResults.template_fields_of_results,
        "ionq_conn_id",
    )
    template_ext: Sequence[str] = (".json", ".qasm")
    operator_extra_links = (IonQJobLink(),)
    ui_color = "#f6ead7"

    session_id = ItemId()

    def __init__(
        self,
        *,
        backend: str,
        circuit: Any = None,
        circuits: Any = None,
        qasm: str | None = None,
        gateset: str | None = None,
        qubits: int | str | None = None,
        shots: int | str | None = None,
        name: str | None = None,
        metadata: Mapping[str, str] | str | None = None,
        noise: Mapping[str, Any] | str | None = None,
        error_mitigation: Mapping[str, Any] | str | None = None,
        settings: Mapping[str, Any] | str | None = None,
        dry_run: bool = False,
        session_id: Any = None,
        wait_for_completion: bool = True,
        deferrable: bool = True,
        poke_interval: float | timedelta = timedelta(seconds=30),
        timeout: float | timedelta = timedelta(days=7),
        cancel_on_kill: bool = True,
        cancel_on_timeout: bool = True,
        max_cost_usd: float | str | None = None,
        session_max_cost_usd: float | str | None = None,
        cost_check: str | None = None,
        on_changed_input: str = "fail",
        reuse_on_clear: bool = False,
        rehearse: bool | str = False,
        results: str | Sequence[str] | None = None,
        results_path: str | None = None,
        max_xcom_bytes: int = MAX_XCOM_BYTES,
        histogram_path: str | None = None,
        fail_on_partial_error: bool = True,
        ionq_conn_id: str = DEFAULT_CONN_ID,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("multiple_outputs", True)
        super().__init__(**kwargs)
        self.backend = backend
        self.circuit = circuit
        self.circuits = circuits
        self.qasm = qasm
        self.gateset = gateset
        self.qubits = qubits
        self.shots = shots
        self.name = name
        self.metadata = metadata
        self.noise = noise
        self.error_mitigation = error_mitigation
        self.settings = settings
        self.is_dry_run = dry_run
        self.session_id = session_id
        self.wait_for_completion = wait_for_completion
        self.deferrable = deferrable
        self.cancel_on_kill = cancel_on_kill
        self.cancel_on_timeout = cancel_on_timeout
        self.max_cost_usd = max_cost_usd
        self.session_max_cost_usd = session_max_cost_usd
        self.cost_check = cost_check
        self.on_changed_input = on_changed_input
        self.reuse_on_clear = reuse_on_clear
        self.rehearse = rehearse
        self.ionq_conn_id = ionq_conn_id
        with refusals_name_task(self):
            self.timeout = seconds_of("timeout", timeout)
            self.poke_interval = seconds_of("poke_interval", poke_interval)
            self.set_results(results, results_path, max_xcom_bytes, histogram_path, fail_on_partial_error)
            check_known_arguments(self)

    def execute(self, context: Context) -> Any:
        """Submit the job, or find that of an earlier try, and wait for it; return its JSON."""
        with self.responsible_for_left_job(context):
            self.prepare(context)
            creator = self.creator(context)
        with fail_on_permanent_errors(self.ionq_conn_id), self.responsible(creator, context):
            job = creator.create()
            assert job is not None, "IonQ has no limit of jobs to wait for"
            if not self.wait_for_completion:
                return push_outputs(self, context, job)
            if not is_final(job):
                self.explain_wait(job)
                job = job if self.deferrable else self.wait_on_worker(job)
        if not is_final(job):
            self.defer_to_job(job["id"], self.timeout, first=True)
        return self.end(context, job)

    def prepare(self, context: Context) -> None:
        """Check what must hold before anything is requested."""
        self.check_results_can_be_kept()

    def creator(self, context: Context) -> CreateOnce[Job, JobIntent]:
        """Return the submission of this task's job."""
        # Imported here because they load the HTTP library, which parsing a DAG must not.
        from airflow_provider_ionq.hooks.ionq import IonQHook
        from airflow_provider_ionq.jobs.submit import JobCreation
        from airflow_provider_ionq.utils.job_memory import JobMemory, generation_of, identity_of
        from airflow_provider_ionq.waiting.create_once import CreateOnce

        try:
            request, options = self.job_request(), self._options()
            if self.results is not None:
                request.check_registers_are_measured()
        except ValueError as error:
            raise IonQFailException(f"Invalid job: {error}", reason=error) from None
        with fail_on_permanent_errors(self.ionq_conn_id):
            settings = IonQHook(self.ionq_conn_id).get_settings()
        memory = JobMemory(context)
        creation = JobCreation(
            settings,
            request,
            identity_of(context),
            generation_of(context),
            options,
            memory,
            JobInTask(self.ionq_conn_id, context, settings),
            self.log,
        )
        return CreateOnce(creation, memory, self.log)

    def job_request(self) -> JobRequest:
        """
        Return the job that the task submits.

        :raises ValueError: if an argument is invalid.
        """
        from airflow_provider_ionq.jobs.request import JobRequest

        given = {name: getattr(self, name) for name in REQUEST_FIELDS}
        return JobRequest.of(**given, dry_run=self.is_dry_run, rehearse=flag_of("rehearse", self.rehearse))

    def _options(self) -> SubmitOptions:
        from airflow_provider_ionq.jobs.budget import Budget
        from airflow_provider_ionq.jobs.submit_options import SubmitOptions

        return SubmitOptions(
            budget=Budget(
                max_cost_usd=usd_of("max_cost_usd", self.max_cost_usd),
                session_max_cost_usd=usd_of("session_max_cost_usd", self.session_max_cost_usd),
                cost_check=self.cost_check,
            ),
            on_changed_input=self.on_changed_input,
            reuse_on_clear=self.reuse_on_clear,
            cancel_on_kill=self.cancel_on_kill,
        )
