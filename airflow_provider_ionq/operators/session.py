"""Operators on IonQ sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator
from airflow.providers.common.compat.version_compat import get_base_airflow_version_tuple

from airflow_provider_ionq.hooks.ionq import IonQHook
from airflow_provider_ionq.tasks import look_at_session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_ionq.models import Session

NULL_CANNOT_BE_PUSHED = (3, 0, 0) <= get_base_airflow_version_tuple() < (3, 1, 0)
"""Airflow 3.0 refuses an XCom that is null; one that is missing is pulled as None all the same."""


class IonQGetSessionOperator(BaseOperator):
    """
    Read an IonQ session and push its JSON to XCom, all of it, as a dict.

    Downstream, `get.output` is the dict and `get.output["status"]` its status: each field is pushed under its own name
    too, unless `multiple_outputs=False`. Looks once and does not wait: for that there is
    :class:`~airflow_provider_ionq.sensors.session.IonQSessionSensor`.

    :param session_id: id of the session (templated).
    :param ionq_conn_id: id of the Airflow connection of type `ionq` (templated).
    :raises IonQFailException: without retries, for what a retry does not change: a refused key, an unknown session or
        host, an id or a connection that cannot be used.
    :raises IonQError: for what may pass, such as an API that is down after the connection's `max_retries`.

    https://docs.ionq.com/api-reference/v0.4/sessions/get-session
    """

    template_fields: Sequence[str] = ("session_id", "ionq_conn_id")
    ui_color = "#f6ead7"

    def __init__(self, *, session_id: str, ionq_conn_id: str = IonQHook.default_conn_name, **kwargs: Any) -> None:
        # `output["status"]` of Airflow is the XCom with the key "status", not an item of the returned dict.
        kwargs.setdefault("multiple_outputs", True)
        super().__init__(**kwargs)
        self.session_id = session_id
        self.ionq_conn_id = ionq_conn_id

    def execute(self, context: Context) -> Session:
        """Return the session's JSON."""
        session = look_at_session(IonQHook(self.ionq_conn_id), self.session_id)
        self.log.info("Session %s has status %s.", session["id"], session["status"])
        if self.multiple_outputs and NULL_CANNOT_BE_PUSHED:
            self.multiple_outputs = False
            for name, value in session.items():
                if value is not None:
                    context["ti"].xcom_push(name, value)
        return session
