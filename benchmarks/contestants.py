"""The compared ways of waiting: the name of each, and the trigger of a waiting task."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ASLEEP = "asleep"
OURS = "ours"
HTTP_PROVIDER = "http provider"
IONQ_CORE = "ionq-core"
AIOHTTP = "aiohttp"
JOBS = "ours, jobs"
TODAY = (HTTP_PROVIDER, IONQ_CORE, AIOHTTP)


@dataclass(frozen=True, slots=True)
class Contestant:
    """
    One way of waiting.

    :param classpath: class path of the trigger.
    :param kwargs: returns its arguments for the id of a session and an interval in seconds.
    """

    classpath: str
    kwargs: Callable[[str, float], Mapping[str, Any]]


def _by_hand(session_id: str, interval: float) -> Mapping[str, Any]:
    return {"session_id": session_id, "conn_id": "ionq_default", "poke_interval": interval}


def _ours(session_id: str, interval: float) -> Mapping[str, Any]:
    return {
        "session_id": session_id,
        "ionq_conn_id": "ionq_default",
        "status": ["started"],
        "active": None,
        "poke_interval": interval,
    }


def _jobs(job_id: str, interval: float) -> Mapping[str, Any]:
    return {"job_id": job_id, "ionq_conn_id": "ionq_default", "status": ["completed"], "poke_interval": interval}


def _http_provider(session_id: str, interval: float) -> Mapping[str, Any]:
    return {"endpoint": f"v0.4/started/{session_id}", "http_conn_id": "http_default", "poke_interval": interval}


CONTESTANTS = {
    ASLEEP: Contestant("benchmarks.triggers.SleepingTrigger", _by_hand),
    OURS: Contestant("airflow_provider_ionq.triggers.session.IonQSessionTrigger", _ours),
    HTTP_PROVIDER: Contestant("airflow.providers.http.triggers.http.HttpSensorTrigger", _http_provider),
    IONQ_CORE: Contestant("benchmarks.triggers.IonQCoreTrigger", _by_hand),
    AIOHTTP: Contestant("benchmarks.triggers.AiohttpTrigger", _by_hand),
}

JOB_CONTESTANT = Contestant("airflow_provider_ionq.triggers.job.IonQJobTrigger", _jobs)


def waiting_on(conn_id: str, session_id: str, interval: float) -> Mapping[str, Any]:
    """
    Return the arguments of this provider's trigger.

    :param conn_id: id of its Airflow connection.
    :param session_id: the session's id.
    :param interval: its interval, in seconds.
    """
    return {**_ours(session_id, interval), "ionq_conn_id": conn_id}


def ionq_connection(conn_id: str, port: int) -> dict[str, str]:
    """
    Return the environment variable of one Airflow connection to a fake.

    :param conn_id: the connection's id.
    :param port: the fake's port.
    """
    host = f"http://127.0.0.1:{port}/v0.4"
    value = json.dumps({"conn_type": "ionq", "host": host, "password": "bench-key"})
    return {f"AIRFLOW_CONN_{conn_id.upper()}": value}


def connections(port: int) -> dict[str, str]:
    """
    Return the environment variables of the Airflow connections to the fake.

    :param port: the fake's port.
    """
    key = "bench-key"
    host = f"http://127.0.0.1:{port}"
    return {
        **ionq_connection("ionq_default", port),
        "AIRFLOW_CONN_HTTP_DEFAULT": json.dumps(
            {"conn_type": "http", "host": host, "extra": {"Authorization": f"apiKey {key}"}}
        ),
    }
