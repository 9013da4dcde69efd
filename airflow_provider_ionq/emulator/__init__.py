"""
A local IonQ API for tests and demos: real HTTP on 127.0.0.1, sessions that advance as told, faults on demand.

.. code-block:: python

    from airflow_provider_ionq.emulator import Emulator, Step

    with Emulator(job_seconds=None) as emulator:
        session = emulator.create_session(plan=[Step("started", after_reads=2), Step("ended", after_seconds=5)])
        emulator.fail(503, route="GET /sessions/{session_id}", times=3, retry_after=1)
        emulator.disturb("drop_after_read", times=2)
        emulator.capacity = {"qpu.forte-1": 1}
        emulator.complete_job(emulator.submit_job(session["id"])["id"], cost_usd=12.5)
        ...  # point a client at emulator.url with emulator.api_key
        assert emulator.session(session["id"])["status"] == "ended"
        assert [request.status for request in emulator.requests][:3] == [503, 503, 503]

It answers ``/whoami``, ``/backends``, ``/sessions`` and, as far as a session goes, ``/jobs`` of version 0.4 of the API:
capacity, limits that end a session, jobs that start it and are canceled with it. A job computes nothing: a moment after
its submission it is completed, without results. With ``job_seconds=None`` it stays open until it is told to end. What
IonQ does not document, such as the meaning of ``active``, can be chosen. A body or a query that IonQ's description
does not allow is refused. The emulator imports nothing of the provider's client, and nothing of Airflow. Running it
needs the extra: ``pip install 'airflow-provider-ionq[emulator]'``. Importing it does not.

From a shell: ``ionq-emulator --help``, or ``python -m airflow_provider_ionq.emulator``. Such an emulator is steered
over HTTP, by JSON and without a key:

- ``POST /_emulator/sessions`` creates a session: ``backend``, ``session_id``, ``settings``, ``plan``; a step of a plan
  is ``{"status": "started", "after_reads": 2}``.
- ``PATCH /_emulator/sessions/{id}`` sets any field; ``"status": "started"`` and ``"ended"`` start and end the session;
  ``"remove": ["settings"]`` leaves fields out.
- ``DELETE /_emulator/sessions/{id}`` forgets the session.
- ``POST /_emulator/jobs`` submits a job: ``session_id``, ``backend``, ``cost_usd``, ``job_id``, ``name``, ``metadata``,
  ``shots``. ``PATCH /_emulator/jobs/{id}`` ends an open job: ``{"status": "completed", "cost_usd": 12.5}``, or
  ``"failed"``.
- ``PATCH /_emulator/settings`` sets ``capacity``, such as ``{"qpu.forte-1": 1}`` or ``null``,
  ``read_after_write_seconds``, ``job_seconds`` (``null``: a job is completed when it is told to) and ``job_reads``.
- ``POST /_emulator/history`` creates ``count`` sessions that ended long ago.
- ``POST /_emulator/faults`` gives coming requests another answer: the arguments of :meth:`Emulator.fail`; or has
  something happen to it on the wire: those of :meth:`Emulator.disturb`, ``{"kind": "delay", "delay_seconds": 2}``;
  ``DELETE`` gives the right answers again.
- ``GET /_emulator/requests`` shows the requests to the API so far; ``DELETE`` empties the log.
- ``GET /_emulator/connections`` counts TCP connections, and requests that were dropped before they were read.

In pytest: ``from airflow_provider_ionq.emulator.fixtures import ionq_emulator``.
"""

from __future__ import annotations

from airflow_provider_ionq.emulator.emulator import Emulator
from airflow_provider_ionq.emulator.log import RecordedRequest
from airflow_provider_ionq.emulator.state import ActiveMeaning, Step, UnknownJob, UnknownSession

__all__ = ["ActiveMeaning", "Emulator", "RecordedRequest", "Step", "UnknownJob", "UnknownSession"]
