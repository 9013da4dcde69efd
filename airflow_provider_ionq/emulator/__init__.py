"""
A local IonQ API for tests and demos: real HTTP on 127.0.0.1, sessions with a plan, faults on demand.

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

The emulator serves ``/whoami``, ``/backends``, ``/sessions``, ``/jobs`` and the usage report of version 0.4 of the API,
including capacity, limits that end a session, and jobs that start a session and are canceled when it ends. A job is
completed shortly after its submission; with ``job_seconds=None`` it stays open until the test ends it. Its circuits are
computed when their results are first read: exactly on the ideal simulator, and as a seeded sample of shots, without any
noise, on a device or with a noise model. Behaviour that IonQ does not document, such as the meaning
of ``active``, is configurable. A body or query that IonQ's API description does not allow is rejected. The emulator
imports neither the provider's client nor Airflow. The extra is needed to run it, but not to import it:
``pip install 'airflow-provider-ionq[emulator]'``.

From a shell: ``ionq-emulator --help``, or ``python -m airflow_provider_ionq.emulator``. An emulator in another process
is controlled over HTTP, by JSON and without a key:

- ``POST /_emulator/sessions`` creates a session: ``backend``, ``session_id``, ``settings``, ``plan``. A step of a plan
  is ``{"status": "started", "after_reads": 2}``.
- ``PATCH /_emulator/sessions/{id}`` sets any field; ``"status": "started"`` and ``"ended"`` start and end the session;
  ``"remove": ["settings"]`` removes fields.
- ``DELETE /_emulator/sessions/{id}`` deletes the session.
- ``POST /_emulator/jobs`` submits a job, with the arguments of :meth:`Emulator.submit_job`.
  ``PATCH /_emulator/jobs/{id}`` moves it to a status, with the arguments of that change:
  ``{"status": "completed", "cost_usd": 12.5}``, ``{"status": "failed", "code": "SystemCancel"}``. Without a status of
  IonQ, it sets and removes fields as for a session. ``{"results_gone": true}`` deletes the results of the job, and
  ``DELETE`` the job.
- ``POST /_emulator/failures`` makes the next job fail, with the arguments of :meth:`Emulator.fail_next_job`, such as
  ``{"circuits": [1]}`` for the second circuit of a job with several.
- ``PATCH /_emulator/settings`` sets ``capacity``, such as ``{"qpu.forte-1": 1}`` or ``null``,
  ``read_after_write_seconds``, ``job_seconds`` (``null``: a job stays open until it is ended), ``job_reads``,
  ``job_plan``, ``prices``, such as ``{"qpu.forte-1": {"unit": "credit"}}``, ``compiled_gates``, ``seed`` of the shots,
  and ``result_style``.
- ``POST /_emulator/history`` creates ``count`` sessions that ended long ago.
- ``POST /_emulator/faults`` adds a fault: with the arguments of :meth:`Emulator.fail` for another answer, or with those
  of :meth:`Emulator.disturb`, such as ``{"kind": "delay", "delay_seconds": 2}``, for a fault on the wire. ``DELETE``
  removes all faults.
- ``GET /_emulator/requests`` lists the requests to the API so far; ``DELETE`` clears the log.
- ``GET /_emulator/connections`` counts TCP connections, and requests that were dropped before they were read.

In pytest: ``from airflow_provider_ionq.emulator.fixtures import ionq_emulator``.
"""

from __future__ import annotations

from airflow_provider_ionq.emulator.emulator import Emulator
from airflow_provider_ionq.emulator.log import RecordedRequest
from airflow_provider_ionq.emulator.prices import Price
from airflow_provider_ionq.emulator.state import ActiveMeaning, Step, UnknownJob, UnknownSession

__all__ = ["ActiveMeaning", "Emulator", "Price", "RecordedRequest", "Step", "UnknownJob", "UnknownSession"]
