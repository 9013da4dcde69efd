"""The block of a task in which a loop submits its jobs."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowTaskTimeout

from airflow_provider_ionq.exceptions import IonQFailException
from airflow_provider_ionq.loops.session import session_and_budget
from airflow_provider_ionq.loops.task import LoopInTask, label_of_loop, on_kill_too, running_task
from airflow_provider_ionq.loops.tracks import Tracks, check_can_draw
from airflow_provider_ionq.operators.job_responsibility import is_retried
from airflow_provider_ionq.utils.tasks import fail_on_permanent_errors
from airflow_provider_ionq.waiting.durations import duration_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

    from airflow_provider_ionq.jobs.loop import JobLoop
    from airflow_provider_ionq.jobs.request import JobRequest
    from airflow_provider_ionq.loops.arguments import LoopArguments


class IonQJobs:
    """
    The jobs of one loop; see :func:`~airflow_provider_ionq.loops.ionq_jobs`, which returns it.

    :param arguments: the arguments of the loop.
    """

    def __init__(self, arguments: LoopArguments) -> None:
        self._arguments = arguments
        self._is_used = False
        self._is_open = False
        self._block = ExitStack()
        self._lock = threading.Lock()

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
        self._is_open = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Cancel the job in flight if no other try will wait for it, and log what the loop has done."""
        self._is_open = False
        self._block.__exit__(kind, error, traceback)

    def run(self, circuit: Any, *, shots: int | None = None, name: str | None = None) -> Any:
        """
        Run the next job of the loop, or find it if an earlier try has submitted it, and return its results.

        After an error that the caller has caught, a call with the same circuit continues with the same job.

        :param circuit: IonQ's JSON, a program of :func:`~airflow_provider_ionq.circuits.program.to_ionq_program`, a
            Qiskit `QuantumCircuit`, a Cirq `Circuit`, or the text of an OpenQASM 3 program. The circuits of a list
            run as one job.
        :param shots: number of shots, 1 to 1,000,000; None for that of the loop.
        :param name: name of the job in IonQ's console; None for that of the loop, with the number of the job.
        :return: a :class:`~airflow_provider_ionq.results.models.CircuitResult`, or a list of them for a list of
            circuits.
        :raises IonQFailException: without retries, on permanent errors: an invalid circuit, a job that would exceed the
            budget, a time-out, a job that was canceled, or that failed through no fault of the service.
        :raises IonQError: on transient errors; the next try continues with the same job.
        :raises RuntimeError: outside of the `with` block, or while another thread runs a job.
        """
        from airflow_provider_ionq.jobs.circuits import MULTIPLE

        with self._one_at_a_time():
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

        :param name: name of the value.
        :param value: the value.
        :raises ValueError: if the value is not a number.
        :raises RuntimeError: outside of the `with` block.
        """
        self._check_is_open()
        self._tracks.add(name, value, self._loop.place)

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        """Refuse a run in another thread: a later try could not tell the places of the jobs."""
        self._check_is_open()
        if not self._lock.acquire(blocking=False):
            raise RuntimeError(
                "The loop runs its jobs one after the other, but another thread runs one. Run several circuits as one"
                " job: jobs.run([first, second])."
            )
        try:
            yield
        finally:
            self._lock.release()

    def _check_is_open(self) -> None:
        if not self._is_open:
            raise RuntimeError("The jobs of a loop can be run only inside its block: with ionq_jobs(...) as jobs.")

    def _new_loop(self) -> JobLoop:
        # Imported here because it loads the HTTP library, which parsing a DAG must not.
        from airflow_provider_ionq.jobs.budget import Budget
        from airflow_provider_ionq.jobs.loop import JobLoop
        from airflow_provider_ionq.jobs.submit_options import SubmitOptions
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
        request = JobRequest.of(arguments.backend, **given, session_id=self._session_id, name=name)
        request.check_registers_are_measured()
        return request

    @contextmanager
    def _responsible(self) -> Iterator[None]:
        """Cancel open jobs: after an error, if no other try will continue with them; else those that were not used."""
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
