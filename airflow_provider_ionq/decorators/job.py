"""The decorator `@task.ionq_job`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import DecoratedOperator, context_merge, task_decorator_factory

try:
    from airflow.providers.common.compat.sdk import determine_kwargs
except ImportError:  # the oldest versions of common-compat
    from airflow.utils.operator_helpers import determine_kwargs  # type: ignore[attr-defined]

from airflow_provider_ionq.exceptions import IonQFailException
from airflow_provider_ionq.operators.job import IonQRunJobOperator
from airflow_provider_ionq.operators.job_arguments import ANY_SOURCE, SOURCES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context, TaskDecorator

    from airflow_provider_ionq.api.models import Job
    from airflow_provider_ionq.results.wanted import Wanted

CIRCUITS_KEY = "ionq_circuits"
"""XCom: what the task knows of the circuits of its job, for the process that continues after a deferral."""


def ionq_job_task(
    python_callable: Callable[..., Any] | None = None, *, multiple_outputs: bool = False, **kwargs: Any
) -> TaskDecorator:
    """
    Make a task of a function that returns a circuit, or a list of circuits: it runs them as one job.

    In a DAG file it is `@task.ionq_job`::

        @task.ionq_job(backend="simulator", shots=1000)
        def bell():
            from qiskit import QuantumCircuit

            circuit = QuantumCircuit(2)
            circuit.h(0)
            circuit.cx(0, 1)
            circuit.measure_all()
            return circuit

    A circuit is a Qiskit `QuantumCircuit`, a Cirq `Circuit`, the text of an OpenQASM 3 program, a program of
    :func:`~airflow_provider_ionq.circuits.program.to_ionq_program`, or IonQ's JSON. Import the library of the circuits
    inside the function: then only the worker loads it.

    The task returns a :class:`~airflow_provider_ionq.results.models.CircuitResult` for one circuit, and a list of them
    for a list; :func:`~airflow_provider_ionq.utils.result_store.load_results` reads it also if it is large, and stored
    in a file. Each try calls the function once. If a retry gets another circuit than an earlier try, `on_changed_input`
    decides what happens, so use a fixed seed for random numbers.

    :param python_callable: the function.
    :param multiple_outputs: push each field of the result of one circuit as an XCom of its own, too.
    :param kwargs: arguments of :class:`~airflow_provider_ionq.operators.job.IonQRunJobOperator` except the circuit, and
        arguments of every task. `results` is `["probabilities", "counts"]` unless it is given.
    """
    return task_decorator_factory(
        python_callable,
        multiple_outputs=bool(multiple_outputs),
        decorated_operator_class=IonQJobDecoratedOperator,
        **kwargs,
    )


class IonQJobDecoratedOperator(DecoratedOperator, IonQRunJobOperator):
    """
    The operator of :func:`ionq_job_task`.

    :param python_callable: the function that returns the circuits.
    :param op_args: its positional arguments (templated).
    :param op_kwargs: its keyword arguments (templated).
    :param kwargs: arguments of :class:`~airflow_provider_ionq.operators.job.IonQRunJobOperator`.
    """

    template_fields: Sequence[str] = (
        *DecoratedOperator.template_fields,
        *(field for field in IonQRunJobOperator.template_fields if field not in SOURCES),
    )
    template_fields_renderers = DecoratedOperator.template_fields_renderers
    # An argument of the function that ends in .json is not the name of a template file.
    template_ext: Sequence[str] = ()
    custom_operator_name = "@task.ionq_job"

    _known: str | None = None
    """What the process that called the function knew of the circuits; None in that process."""

    def __init__(
        self,
        *,
        python_callable: Callable[..., Any],
        op_args: Collection[Any] | None = None,
        op_kwargs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if given := [name for name in SOURCES if kwargs.get(name) is not None]:
            raise ValueError(
                f"Task {kwargs.get('task_id')!r}: {given[0]} is what the function of @task.ionq_job returns, so it"
                " cannot be given"
            )
        if kwargs.setdefault("results", ("probabilities", "counts")) is None:
            raise ValueError(f"Task {kwargs.get('task_id')!r}: results cannot be None: @task.ionq_job returns them")
        super().__init__(
            python_callable=python_callable,
            op_args=op_args,
            op_kwargs=op_kwargs,
            # The check of the arguments treats the function as a circuit that is rendered later.
            **{**kwargs, "circuit": python_callable},
        )
        self.circuit = None

    def execute(self, context: Context) -> Any:
        """Run what the function returns; return the results."""
        # Not that of DecoratedOperator: on Airflow 3.0 it needs a method that no operator has.
        return IonQRunJobOperator.execute(self, context)

    def prepare(self, context: Context) -> None:
        """Call the function, and take the circuits that it returns."""
        from airflow_provider_ionq.circuits.program import source_of_job

        super().prepare(context)
        context_merge(context, self.op_kwargs)
        kwargs = determine_kwargs(self.python_callable, self.op_args, context)
        returned = self.python_callable(*self.op_args, **kwargs)
        self.check_not_killed()
        try:
            vars(self).update(source_of_job(returned, gateset=self.gateset or None))
        except ValueError as error:
            name = getattr(self.python_callable, "__name__", self.task_id)
            raise IonQFailException(
                f"The function {name!r} returned nothing that IonQ can run: {error}", reason=error
            ) from None
        if self.deferrable:
            self._push_known(context)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Continue after a deferral, without calling the function again."""
        ti: Any = context["ti"]
        known = ti.xcom_pull(task_ids=ti.task_id, key=CIRCUITS_KEY, map_indexes=getattr(ti, "map_index", -1))
        self._known = known if isinstance(known, str) else ""
        # The circuits are no longer needed: the job is only waited for, or cancelled.
        self.circuit = self.circuits = self.gateset = self.qubits = None
        self.qasm = ANY_SOURCE["qasm"]
        return super().resume_execution(next_method, next_kwargs, context)

    def wanted(self) -> Wanted:
        """Return what to read of the job, with what the task knows of its circuits."""
        from airflow_provider_ionq.jobs.wanted import wanted_of_text

        wanted = super().wanted()
        if self._known is None:
            return wanted
        wanted = replace(wanted, layouts=None, is_own=False)
        return wanted_of_text(self._known, wanted) if self._known else wanted

    def with_results(self, job: Job) -> Any:
        """Return the result of each circuit of a completed job; without a list if the function returned none."""
        from airflow_provider_ionq.jobs.circuits import MULTIPLE

        results = self.read_results(job)
        if job["type"] == MULTIPLE:
            self.multiple_outputs = False
            return self.small_enough(results["circuits"], results)
        return self.small_enough(results["circuits"][0], results)

    def _push_known(self, context: Context) -> None:
        from airflow_provider_ionq.jobs.wanted import text_of_wanted

        try:
            known = text_of_wanted(self.wanted())
        except ValueError as error:
            raise IonQFailException(f"Invalid job: {error}", reason=error) from None
        context["ti"].xcom_push(CIRCUITS_KEY, known)
