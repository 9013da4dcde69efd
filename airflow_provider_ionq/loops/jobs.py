"""A hybrid loop: jobs that are submitted one after the other inside a task, and found again when it is retried."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowTaskTimeout

from airflow_provider_ionq.exceptions import IonQFailException
from airflow_provider_ionq.get_provider_info import DEFAULT_CONN_ID
from airflow_provider_ionq.loops.session import session_and_budget
from airflow_provider_ionq.loops.task import LoopInTask, label_of_loop, on_kill_too, running_task
from airflow_provider_ionq.loops.tracks import Tracks, check_can_draw
from airflow_provider_ionq.operators.job_arguments import usd_of
from airflow_provider_ionq.operators.job_wait import is_retried
from airflow_provider_ionq.utils.tasks import fail_on_permanent_errors, seconds_of
from airflow_provider_ionq.waiting.durations import duration_text

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping
    from types import TracebackType
    from typing import Self

    from airflow_provider_ionq.jobs.loop import JobLoop
    from airflow_provider_ionq.jobs.request import JobRequest


def ionq_jobs(
    backend: str,
    *,
    shots: int | None = None,
    session_id: Any = None,
    gateset: str | None = None,
    noise: Mapping[str, Any] | str | None = None,
    error_mitigation: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    max_cost_usd: float | None = None,
    session_max_cost_usd: float | None = None,
    cost_check: str | None = None,
    rehearse: bool = False,
    reuse_on_clear: bool = False,
    cancel_on_kill: bool = True,
    poke_interval: float | timedelta = timedelta(seconds=5),
    timeout: float | timedelta = timedelta(days=7),
    name: str | None = None,
    curve_path: str | os.PathLike[str] | None = None,
    ionq_conn_id: str = DEFAULT_CONN_ID,
) -> IonQJobs:
    """
    Run jobs one after the other inside a task, such as a variational loop, which a retry of the task resumes.

    Use it in a `@task` function or in `execute` of an operator, on a worker::

        with ionq_jobs("qpu.forte-1", shots=500, max_cost_usd=200) as jobs:
            for step in range(30):
                result = jobs.run(circuit(parameters))
                parameters, energy = optimise(result)
                jobs.track("energy", energy)

    - The task holds a worker slot while it waits for its jobs.
    - A token in the metadata of each job names its place in the loop and its input. When the task is retried, the loop
      begins again: the results of completed jobs are read instead of paid again, the job in flight is waited for, and a
      job that failed or was canceled is submitted again. For that the loop must ask for the same circuits in the same
      order: seed what is random.
    - If it asks for another circuit at a place, the log has a warning, open jobs of earlier tries are cancelled, and
      the loop goes on with new jobs.
    - When the task is cleared, open jobs are cancelled, and all jobs are submitted anew; see `reuse_on_clear`.
    - The job in flight is cancelled when the task is killed, times out, or fails without a retry.

    :param backend: name of the device, such as `qpu.forte-1`, or `simulator`.
    :param shots: number of shots of each job, 1 to 1,000,000; None for the API's default of 100.
    :param session_id: id of the session of the jobs, or its JSON; None for no session. Inside an
        :func:`~airflow_provider_ionq.task_groups.session.ionq_session` for the same device, None means its session.
    :param gateset: `qis` or `native`; None for that of the circuit, else `qis`.
    :param noise: noise model of the simulator: its name, or an object with `model` and `seed`.
    :param error_mitigation: IonQ's settings of error mitigation, such as `{"debiasing": True}`.
    :param settings: further `settings` of the API.
    :param max_cost_usd: limit of what all jobs of the loop may cost together in all tries, in US dollars; None for no
        limit. A cleared task begins anew.
    :param session_max_cost_usd: limit of what all jobs of the session may cost together, in US dollars, whoever submits
        them; None for `max_cost_usd` of the `ionq_session` around the task, if that is the session, else for no limit.
    :param cost_check: how to learn the price of a job: `estimate`, or `dry_run` of it; None for an estimate where the
        gates can be counted, else a dry run.
    :param rehearse: run the jobs on `simulator` with the noise model of the device, without the session, and free of
        charge. Jobs in a session that is rehearsed always are.
    :param reuse_on_clear: when the task is cleared, read completed jobs for the same input again instead of submitting
        them anew.
    :param cancel_on_kill: cancel the job in flight when the task is killed.
    :param poke_interval: time between two polls of a job, in seconds or as a timedelta, above 0.
    :param timeout: longest wait for one job, in seconds or as a timedelta, above 0, after which the job is cancelled,
        and the task fails without retries.
    :param name: name of the loop, by which a later try finds its jobs, and of its jobs in IonQ's console, with their
        number; None for the number of the loop in the task.
    :param curve_path: file for a picture of the tracked values, which ends in `.png` or `.svg`: a local path, or a URL
        of Airflow's object storage; None for none.
    :param ionq_conn_id: id of the Airflow connection of type `ionq`.
    :raises ValueError: if an argument is invalid.
    """
    from airflow_provider_ionq.jobs.arguments import COST_CHECKS
    from airflow_provider_ionq.results.pictures import check_picture_path
    from airflow_provider_ionq.utils.result_store import path_text

    if cost_check is not None and cost_check not in COST_CHECKS:
        raise ValueError(f"cost_check must be one of {', '.join(COST_CHECKS)}, or None, not {cost_check!r}")
    if name is not None and (not isinstance(name, str) or not name.strip()):
        raise ValueError(f"name must be text, or None, not {name!r}")
    if curve_path is not None:
        check_picture_path("curve_path", curve_path)
    arguments = {
        "shots": shots,
        "gateset": gateset,
        "noise": noise,
        "error_mitigation": error_mitigation,
        "settings": settings,
        "rehearse": rehearse,
    }
    return IonQJobs(
        LoopArguments(
            backend=backend,
            job=arguments,
            session_id=session_id,
            max_cost_usd=usd_of("max_cost_usd", max_cost_usd),
            session_max_cost_usd=usd_of("session_max_cost_usd", session_max_cost_usd),
            cost_check=cost_check,
            reuse_on_clear=reuse_on_clear,
            cancel_on_kill=cancel_on_kill,
            poke_interval=seconds_of("poke_interval", poke_interval),
            timeout=seconds_of("timeout", timeout),
            name=name,
            curve_path=path_text(curve_path),
            ionq_conn_id=ionq_conn_id,
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopArguments:
    """
    The arguments of a loop; see :func:`ionq_jobs`.

    :param job: the arguments that all its jobs share.
    """

    backend: str
    job: Mapping[str, Any]
    session_id: Any
    max_cost_usd: float | None
    session_max_cost_usd: float | None
    cost_check: str | None
    reuse_on_clear: bool
    cancel_on_kill: bool
    poke_interval: float
    timeout: float
    name: str | None
    curve_path: str | None
    ionq_conn_id: str


class IonQJobs:
    """
    The jobs of one loop; see :func:`ionq_jobs`, which returns it.

    :param arguments: the arguments of the loop.
    """

    def __init__(self, arguments: LoopArguments) -> None:
        self._arguments = arguments
        self._is_used = False
        self._block = ExitStack()

    def __enter__(self) -> Self:
        """
        Find the jobs of earlier tries.

        :raises RuntimeError: outside of a task.
        :raises IonQFailException: without retries, if the connection or an argument is invalid.
        :raises IonQError: if the jobs of earlier tries cannot be listed.
        """
        if self._is_used:
            raise RuntimeError("This loop has been run: call ionq_jobs again for another with block.")
        self._context = running_task()
        self._is_used = True
        if self._arguments.curve_path is not None:
            check_can_draw(self._arguments.curve_path)
        self._log: Any = self._context["ti"].task.log
        self._tracks = Tracks(self._log)
        self._began = time.monotonic()
        with ExitStack() as block:
            with fail_on_permanent_errors(self._arguments.ionq_conn_id):
                self._loop = self._new_loop()
            block.callback(self._end)
            block.enter_context(self._responsible())
            block.enter_context(on_kill_too(self._context["ti"].task, self._loop.stop))
            self._log.info(
                "The loop runs its jobs one after the other. Until it ends, this task holds its worker slot, also while"
                " it waits for a job, which it polls every %s.",
                duration_text(self._arguments.poke_interval),
            )
            with fail_on_permanent_errors(self._arguments.ionq_conn_id):
                self._loop.resume()
            self._block = block.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Cancel the job in flight if no other try will wait for it, and log what the loop has done."""
        self._block.__exit__(kind, error, traceback)

    def run(self, circuit: Any, *, shots: int | None = None, name: str | None = None) -> Any:
        """
        Run the next job of the loop, or find it if an earlier try has submitted it, and return its results.

        :param circuit: IonQ's JSON, a program of :func:`~airflow_provider_ionq.circuits.program.to_ionq_program`, a
            Qiskit `QuantumCircuit`, a Cirq `Circuit`, or the text of an OpenQASM 3 program. Or a list of circuits,
            which run as one job.
        :param shots: number of shots, 1 to 1,000,000; None for that of the loop.
        :param name: name of the job in IonQ's console; None for that of the loop, with the number of the job.
        :return: a :class:`~airflow_provider_ionq.results.models.CircuitResult`, or a list of them for a list of
            circuits.
        :raises IonQFailException: without retries, on permanent errors: an invalid circuit, a job that would exceed the
            budget, a time-out, a job that was canceled or failed for its own fault.
        :raises IonQError: on transient errors; the next try continues with the same job.
        """
        from airflow_provider_ionq.jobs.circuits import MULTIPLE

        try:
            request = self._request(circuit, shots, name)
        except ValueError as error:
            text = f"Invalid job, run {self._loop.place + 1} of the loop: {error}"
            raise IonQFailException(text, reason=error) from None
        with fail_on_permanent_errors(self._arguments.ionq_conn_id):
            results = self._loop.run(request)
        return results if request.job_type == MULTIPLE else results[0]

    def track(self, name: str, value: float) -> None:
        """
        Log a value, such as the energy of an iteration. When the loop ends, the log shows a curve of the values.

        :param name: what it is.
        :param value: the value.
        :raises ValueError: if the value is not a number.
        """
        self._tracks.add(name, value, self._loop.place)

    def _new_loop(self) -> JobLoop:
        # Imported here because it loads the HTTP library, which parsing a DAG must not.
        from airflow_provider_ionq.jobs.budget import Budget
        from airflow_provider_ionq.jobs.loop import JobLoop
        from airflow_provider_ionq.jobs.submit import SubmitOptions
        from airflow_provider_ionq.utils.job_memory import generation_of, identity_of
        from airflow_provider_ionq.utils.loop_memory import LoopMemory

        arguments, context = self._arguments, self._context
        label = label_of_loop(context, arguments.name)
        self._session_id, session_max_cost_usd = session_and_budget(
            context, arguments.backend, arguments.session_id, arguments.session_max_cost_usd
        )
        options = SubmitOptions(
            budget=Budget(
                max_cost_usd=arguments.max_cost_usd,
                session_max_cost_usd=session_max_cost_usd,
                cost_check=arguments.cost_check,
            ),
            reuse_on_clear=arguments.reuse_on_clear,
            cancel_on_kill=arguments.cancel_on_kill,
        )
        return JobLoop(
            LoopInTask(arguments.ionq_conn_id, context),
            identity_of(context),
            label,
            generation_of(context),
            options,
            LoopMemory(context, label),
            self._log,
            interval=arguments.poke_interval,
            seconds=arguments.timeout,
        )

    def _request(self, circuit: Any, shots: int | None, name: str | None) -> JobRequest:
        from airflow_provider_ionq.circuits.program import source_of_job
        from airflow_provider_ionq.jobs.request import JobRequest

        arguments = self._arguments
        source = source_of_job(circuit, gateset=arguments.job["gateset"])
        if name is None and arguments.name is not None:
            name = f"{arguments.name} {self._loop.place + 1}"
        given = {**arguments.job, **source} | ({} if shots is None else {"shots": shots})
        return JobRequest.of(arguments.backend, **given, session_id=self._session_id, name=name)

    @contextmanager
    def _responsible(self) -> Iterator[None]:
        """Cancel the open jobs if the block fails and no other try will continue with them, or if it ignored them."""
        try:
            yield
        except AirflowTaskTimeout:
            self._loop.stop()
            raise
        except BaseException as error:
            if self._loop.is_stopped or not is_retried(error, self._context):
                self._loop.stop()
            raise
        self._loop.check_not_stopped()
        with fail_on_permanent_errors(self._arguments.ionq_conn_id):
            self._loop.finish()

    def _end(self) -> None:
        """Log what the loop has done. Never raises: the process may have lost its supervisor."""
        figures, total = self._loop.figures, time.monotonic() - self._began
        cost = "" if figures.cost_unit is None else f" They cost {figures.cost:.2f} {figures.cost_unit}."
        with suppress(Exception):
            self._log.info(
                "The loop ends after run %s: %s jobs submitted and %s read again, which earlier tries had completed. It"
                " waited for jobs for %s of %s.%s",
                self._loop.place,
                figures.submitted,
                figures.read_back,
                duration_text(figures.waited_seconds),
                duration_text(total),
                cost,
            )
        self._tracks.end(self._arguments.curve_path)
