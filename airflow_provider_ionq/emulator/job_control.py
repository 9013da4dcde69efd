"""The methods with which tests control the jobs of the emulated account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.emulator.failure import Failure, PlannedFailure
from airflow_provider_ionq.emulator.job import Cost
from airflow_provider_ionq.emulator.job_body import problems_in_new_job
from airflow_provider_ionq.emulator.payload import refuse
from airflow_provider_ionq.emulator.state import JOB_STATUSES, checked_job_plan, is_duration, json_copy, new_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from airflow_provider_ionq.emulator.account import Account
    from airflow_provider_ionq.emulator.job import Job
    from airflow_provider_ionq.emulator.state import Step

# Enough for 60 qubits.
_STATE_DIGITS = 18
BELL = {
    "gateset": "qis",
    "qubits": 2,
    "circuit": [{"gate": "h", "target": 0}, {"gate": "cnot", "control": 0, "target": 1}],
}


class JobControl:
    """The jobs of an account as tests control them. Every method may be called from any thread."""

    account: Account

    def submit_job(
        self,
        session_id: str | None = None,
        *,
        backend: str | None = None,
        cost_usd: float = 0.0,
        job_id: str | None = None,
        name: str | None = None,
        metadata: Mapping[str, str] | None = None,
        shots: int = 100,
        dry_run: bool = False,
        plan: Iterable[Step] | None = None,
    ) -> dict[str, Any]:
        """
        Submit a job with two qubits and return it as the API lists it. The first job of a session starts the session.

        :param session_id: session of the job; None for a job without a session.
        :param backend: backend of the job; None for the backend of its session, or ``qpu.forte-1`` without a session.
        :param cost_usd: cost in US dollars, charged when the job is completed, whatever the price of the backend is.
        :param job_id: any string; None for a new UUID.
        :param name: any string; None for no name.
        :param metadata: labels; None for no labels.
        :param shots: number of shots.
        :param dry_run: submit a dry run, which never starts and is never charged.
        :param plan: steps that happen automatically; None for those of the emulator.
        :raises UnknownSession: no session has this id.
        :raises ValueError: an argument is invalid, the session has ended, or a job with this id exists.
        """
        payload = json_copy(
            {
                "type": "ionq.circuit.v1",
                "backend": "qpu.forte-1" if backend is None else backend,
                "input": BELL,
                "session_id": session_id,
                "name": name,
                "metadata": metadata,
                "shots": shots,
                "dry_run": dry_run,
            }
        )
        refuse(problems_in_new_job(payload))
        cost = Cost(_checked_cost(cost_usd), "usd")
        steps = None if plan is None else checked_job_plan(plan)
        key = new_id("job_id", job_id)
        with self.account.lock:
            if backend is None and session_id is not None:
                payload["backend"] = self.account.session(session_id).backend
            return json_copy(self.account.add_job(key, payload, plan=steps, cost=cost).fields)

    def set_job_status(self, job_id: str, status: str) -> dict[str, Any]:
        """
        Set the status of an open job now and return the job. The rest of its plan counts from now.

        :param status: one of IonQ's statuses; :meth:`update_job` sets any other text.
        :raises UnknownJob: no job has this id.
        :raises ValueError: there is no such status, or the job is completed, failed or canceled already.
        """
        if status not in JOB_STATUSES:
            raise ValueError(f"status must be one of {', '.join(JOB_STATUSES)}, not {status!r}")
        if status == "completed":
            return self.complete_job(job_id)
        if status == "failed":
            return self.fail_job(job_id)
        if status == "canceled":
            return self.cancel_job(job_id)
        return self._change(job_id, lambda job, at: job.move(status, at))

    def complete_job(
        self,
        job_id: str,
        *,
        cost_usd: float | None = None,
        probabilities: Mapping[str, float] | None = None,
        results: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """
        Complete a job now and return it.

        A circuit of a job with several circuits is completed or failed by its own id, before the job is.

        :param cost_usd: final cost in US dollars; None for the cost known at submission.
        :param probabilities: probability by state, as in ``{"0": 0.5, "3": 0.5}``, in which qubit 0 is the least
            significant bit; None to compute the circuit. The shots are then those that come closest to them.
        :param results: inline results of a job of type ``quantum-function`` or ``qctrl.qaoa.v1``; None for no results.
        :raises UnknownJob: no job has this id.
        :raises ValueError: an argument is invalid, or the job is completed, failed or canceled already.
        """
        cost = None if cost_usd is None else Cost(_checked_cost(cost_usd), "usd")
        states = None if probabilities is None else _checked_probabilities(probabilities)
        inline = None if results is None else json_copy(dict(results))
        return self._change(job_id, lambda job, at: job.complete(at, cost=cost, probabilities=states, results=inline))

    def fail_job(
        self,
        job_id: str,
        *,
        code: str = Failure.code,
        message: str = Failure.message,
        cost_usd: float | None = None,
    ) -> dict[str, Any]:
        """
        Fail a job now and return it.

        :param code: one of IonQ's failure codes.
        :param message: message of the failure.
        :param cost_usd: US dollars that are still charged; None for nothing.
        :raises UnknownJob: no job has this id.
        :raises ValueError: an argument is invalid, or the job is completed, failed or canceled already.
        """
        failure = Failure(code, message)
        cost = None if cost_usd is None else Cost(_checked_cost(cost_usd), "usd")
        return self._change(job_id, lambda job, at: job.fail(at, failure, cost=cost))

    def cancel_job(self, job_id: str, *, cost_usd: float | None = None) -> dict[str, Any]:
        """
        Cancel a job now, even a completed or failed one, and return it; nothing changes if it is canceled already.

        :param cost_usd: US dollars that are still charged if the job was open; None for nothing.
        :raises UnknownJob: no job has this id.
        :raises ValueError: the cost is invalid.
        """
        cost = None if cost_usd is None else Cost(_checked_cost(cost_usd), "usd")
        return self._change(job_id, lambda job, at: job.cancel(at, cost=cost))

    def fail_next_job(
        self,
        code: str = Failure.code,
        message: str = Failure.message,
        *,
        times: int = 1,
        circuits: Iterable[int] = (),
    ) -> None:
        """
        Make the next job fail, or some circuits of the next job that has them.

        With a code of the device or of the simulator, ``InternalError``, ``QuantumComputerError``, ``SimulationError``,
        ``SimulationTimeout`` or ``SystemCancel``, it fails when it would be completed. With any other code, it fails at
        once, without a start.

        :param code: one of IonQ's failure codes.
        :param message: message of the failure.
        :param times: number of jobs that fail.
        :param circuits: positions, from 0, of the circuits of a job of several circuits that fail while the others and
            the job itself are completed; none for a failure of the whole job.
        :raises ValueError: an argument is invalid.
        """
        if type(times) is not int or times < 1:
            raise ValueError(f"times must be a whole number from 1, not {times!r}")
        failing = frozenset(circuits)
        if not all(type(position) is int and position >= 0 for position in failing):
            raise ValueError(f"circuits must be whole numbers from 0, not {sorted(failing, key=repr)}")
        failures = [PlannedFailure(Failure(code, message), failing)] * times
        with self.account.lock:
            self.account.failures.extend(failures)

    def update_job(self, job_id: str, /, *, remove: Iterable[str] = (), **fields: Any) -> dict[str, Any]:
        """
        Set fields to any value, such as a status that does not exist, and return the job.

        Nothing else changes: the plan stays in effect, and a later change of the status overwrites its fields.

        :param remove: names of fields to remove.
        :param fields: values that JSON can express; new names are added.
        :raises UnknownJob: no job has this id.
        :raises ValueError: a value is a number that JSON cannot express, such as ``NaN``.
        """
        values = json_copy(fields)

        def update(job: Job, _at: float) -> None:
            job.fields.update(values)
            for name in remove:
                job.fields.pop(name, None)

        return self._change(job_id, update)

    def delete_job(self, job_id: str) -> None:
        """
        Delete a job: the API answers 404 for it from now on.

        :raises UnknownJob: no job has this id.
        """
        with self.account.lock:
            self.account.delete_job(job_id)

    def delete_results(self, job_id: str) -> None:
        """
        Delete the results of a job, but not the job: the API answers 410 for them from now on.

        :param job_id: id of the job; the results of its circuits are deleted too.
        :raises UnknownJob: no job has this id.
        """

        def delete(job: Job, _at: float) -> None:
            job.results_gone = True

        self._change(job_id, delete)

    def job(self, job_id: str) -> dict[str, Any]:
        """
        Return a job as the API would list it now, without counting a read.

        :raises UnknownJob: no job has this id.
        """
        with self.account.lock:
            return json_copy(self.account.job(job_id).fields)

    def job_body(self, job_id: str) -> dict[str, Any]:
        """
        Return the body with which a job was submitted.

        :raises UnknownJob: no job has this id.
        """
        with self.account.lock:
            return json_copy(dict(self.account.job(job_id).body))

    def jobs(self, session_id: str | None = None) -> list[dict[str, Any]]:
        """
        Return jobs, oldest first, as the API would list them now, without counting a read.

        :param session_id: only the jobs of this session; None for all jobs, including those without a session.
        :raises UnknownSession: no session has this id.
        """
        with self.account.lock:
            self.account.advance()
            session = None if session_id is None else self.account.session(session_id)
            jobs = self.account.jobs.values()
            return [json_copy(job.fields) for job in jobs if session is None or job.session is session]

    def _change(self, job_id: str, change: Callable[[Job, float], None]) -> dict[str, Any]:
        with self.account.lock:
            change(self.account.job(job_id), self.account.now())
            return json_copy(self.account.job(job_id).fields)


def _checked_cost(cost_usd: Any) -> float:
    if not is_duration(cost_usd):
        raise ValueError(f"cost_usd must be a number from 0, not {cost_usd!r}")
    return float(cost_usd)


def _checked_probabilities(probabilities: Any) -> dict[str, float]:
    if not isinstance(probabilities, dict):
        raise ValueError(f"probabilities must be an object, not {probabilities!r}")
    for state, probability in probabilities.items():
        if not isinstance(state, str) or not state.isascii() or not state.isdecimal() or len(state) > _STATE_DIGITS:
            raise ValueError(
                f"a state must be the text of a whole number of up to {_STATE_DIGITS} digits, not {state!r}"
            )
        if not is_duration(probability) or probability > 1:
            raise ValueError(f"the probability of {state} must be a number from 0 to 1, not {probability!r}")
    return dict(probabilities)
