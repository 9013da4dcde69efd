"""A hybrid loop: jobs that are submitted one after the other inside a task, and found again when it is retried."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.get_provider_info import DEFAULT_CONN_ID
from airflow_provider_ionq.loops.arguments import LoopArguments
from airflow_provider_ionq.loops.block import IonQJobs
from airflow_provider_ionq.operators.job_arguments import usd_of
from airflow_provider_ionq.utils.tasks import seconds_of

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping


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
      job that failed or was canceled is submitted again. For that the loop must run the same circuits in the same
      order: use a fixed seed for random numbers.
    - If it runs another circuit at a place, the log has a warning, open jobs of earlier tries are cancelled, and
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
    :param curve_path: file for a picture of the tracked values, which ends in `.png` or `.svg`: an absolute path, or a
        URL of Airflow's object storage; None for none.
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
