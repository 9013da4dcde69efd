"""The IonQ hook: from an Airflow connection to the API."""

from __future__ import annotations

import dataclasses
import json
import os
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook

from airflow_provider_ionq.api.errors import (
    IonQAddressError,
    IonQApiError,
    IonQAuthenticationError,
    IonQConfigurationError,
    IonQError,
    IonQNotFoundError,
    IonQPermissionError,
    IonQUnreachableError,
)
from airflow_provider_ionq.get_provider_info import CONNECTION_FIELDS, DEFAULT_CONN_ID, UI_FIELD_BEHAVIOUR
from airflow_provider_ionq.hooks.jobs import JobMethods
from airflow_provider_ionq.hooks.results import ResultMethods
from airflow_provider_ionq.hooks.sessions import SessionMethods

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection
    from ionq_core.client import AuthenticatedClient

    from airflow_provider_ionq.api.client import IonQClient
    from airflow_provider_ionq.api.models import Backend, Whoami
    from airflow_provider_ionq.api.settings import ClientSettings

JSON_EXAMPLE = '{"conn_type": "ionq", "password": "API-KEY"}'


class IonQHook(SessionMethods, JobMethods, ResultMethods, BaseHook):
    """
    Call the IonQ API with the API key of an Airflow connection.

    The connection is read, and the client created, at the first call. A client makes one call at a time:
    use one hook per thread.

    In a rehearsal of :func:`~airflow_provider_ionq.task_groups.session.ionq_session`, the methods that take a session's
    id send no request: they return JSON like that of a session, and no jobs.

    :param ionq_conn_id: id of the Airflow connection of type `ionq`.
    :param max_retries: how often a read is repeated on transient errors; None uses the value in the connection. The
        sensors use 0, because they poll in a loop.
    """

    conn_name_attr = "ionq_conn_id"
    default_conn_name = DEFAULT_CONN_ID
    conn_type = "ionq"
    hook_name = "IonQ"

    def __init__(self, ionq_conn_id: str = default_conn_name, *, max_retries: int | None = None) -> None:
        super().__init__()
        self.ionq_conn_id = ionq_conn_id
        self.max_retries = max_retries
        self._client: IonQClient | None = None

    def get_settings(self) -> ClientSettings:
        """
        Read the Airflow connection.

        :raises AirflowNotFoundException: if the connection is not defined, or Airflow cannot parse it; explains how to
            define it.
        :raises IonQConfigurationError: naming the connection and the invalid field.
        """
        from airflow_provider_ionq.api.settings import settings_from_connection

        connection = self._read_connection()
        try:
            extra = _extra_object(connection)
            settings = settings_from_connection(
                password=connection.password,
                host=connection.host,
                port=connection.port,
                extra=extra,
                login=connection.login,
                schema=connection.schema,
            )
        except IonQConfigurationError as error:
            raise IonQConfigurationError(f"Airflow connection {self.ionq_conn_id!r}: {error}") from None
        self._warn_of_what_is_ignored(connection, extra)
        return settings if self.max_retries is None else dataclasses.replace(settings, max_retries=self.max_retries)

    def _read_connection(self) -> Connection:
        if not isinstance(self.ionq_conn_id, str) or not self.ionq_conn_id.strip():
            raise IonQConfigurationError(
                f"Airflow connection {self.ionq_conn_id!r}: ionq_conn_id must be the id of a connection of type IonQ,"
                f" such as {DEFAULT_CONN_ID!r}. Leave the argument out to use {DEFAULT_CONN_ID!r}"
            )
        try:
            return self.get_connection(self.ionq_conn_id)
        except AirflowNotFoundException:
            named = f"Airflow connection {self.ionq_conn_id!r}"
            variable = f"AIRFLOW_CONN_{self.ionq_conn_id.upper()}"
            # Airflow reports a connection that it cannot parse as not defined.
            if os.environ.get(variable):
                text = (
                    f"{named} cannot be read: the environment variable {variable} is neither a URI nor a JSON object"
                    " that Airflow can parse. In a URI the API key must be percent-encoded. Or use JSON:"
                    f" {JSON_EXAMPLE}"
                )
            else:
                text = (
                    f"{named} is not defined. Add a connection of type IonQ with this id in Airflow under Admin,"
                    f" Connections, or set {variable}='{JSON_EXAMPLE}'. The variable IONQ_API_KEY is not read. If a"
                    " secrets backend holds the connection, Airflow cannot reach it or cannot parse its value"
                )
        raise AirflowNotFoundException(text)

    def _warn_of_what_is_ignored(self, connection: Connection, extra: dict[str, Any]) -> None:
        from airflow_provider_ionq.api.settings import EXTRA_FIELDS

        if unknown := sorted(set(extra) - set(EXTRA_FIELDS)):
            self.log.warning(
                "Airflow connection %r: these fields of extra are unknown and ignored: %s. Known fields are: %s.",
                self.ionq_conn_id,
                ", ".join(unknown),
                ", ".join(EXTRA_FIELDS),
            )
        if connection.login:
            self.log.warning("Airflow connection %r: login is ignored.", self.ionq_conn_id)

    def get_conn(self) -> IonQClient:
        """Return the API client; each call returns the same one."""
        if self._client is None:
            from airflow_provider_ionq.api.client import IonQClient

            self._client = IonQClient(self.get_settings(), check_address=True)
        return self._client

    def get_ionq_core_client(self) -> AuthenticatedClient:
        """
        Return a new client of IonQ's own package `ionq-core`, for requests that this hook has no method for.

        It has the key, address, time-out, TLS settings and proxies of the connection. Like this hook, it repeats only
        reads on transient errors. Close it with `client.get_httpx_client().close()`, or use it in a `with` block.
        Do not print or log it: once it is used, its `repr` has the key.

        :raises ImportError: if `ionq-core` is not installed; names the extra.
        """
        from airflow_provider_ionq.api.ionq_core import ionq_core_client

        return ionq_core_client(self.get_settings())

    def whoami(self) -> Whoami:
        """
        Return the id, name and project of the API key in use.

        https://docs.ionq.com/api-reference/v0.4/util/whoami
        """
        return self.get_conn().whoami()

    def list_backends(self) -> list[Backend]:
        """
        Return the devices and simulators.

        https://docs.ionq.com/api-reference/v0.4/backends/get-backends
        """
        return self.get_conn().list_backends()

    def get_backend(self, backend: str) -> Backend:
        """
        Return one device or simulator.

        :param backend: its name, such as `qpu.forte-1`.

        https://docs.ionq.com/api-reference/v0.4/backends/get-backend-by-name
        """
        return self.get_conn().get_backend(backend)

    def test_connection(self) -> tuple[bool, str]:
        """Test the connection; return whether it works, and a message with the problem and its fix. Never raises."""
        try:
            return _try_api(type(self)(self.ionq_conn_id, max_retries=0).get_conn())
        except IonQUnreachableError as error:
            return False, f"The API cannot be reached. {error}"
        except (IonQConfigurationError, IonQAuthenticationError, IonQAddressError, AirflowNotFoundException) as error:
            return False, str(error)
        except IonQError as error:
            return False, f"The API returned an unexpected response. {error}"
        except Exception as error:
            return False, unreadable_connection(self.ionq_conn_id, error)

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Return the form's changes to the standard fields, for Airflow 2; Airflow 3 reads the provider's metadata."""
        return {
            "hidden_fields": list(UI_FIELD_BEHAVIOUR["hidden-fields"]),
            "relabeling": dict(UI_FIELD_BEHAVIOUR["relabeling"]),
            "placeholders": dict(UI_FIELD_BEHAVIOUR["placeholders"]),
        }

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """Return the form's fields for extra, for Airflow 2; Airflow 3 reads the provider's metadata."""
        from flask_appbuilder.fieldwidgets import BS3TextFieldWidget
        from flask_babel import lazy_gettext
        from wtforms import IntegerField, StringField
        from wtforms.validators import Optional

        field_classes = {"integer": IntegerField, "number": IntegerField}
        return {
            name: field_classes.get(field["schema"]["type"][0], StringField)(
                lazy_gettext(field["label"]),
                widget=BS3TextFieldWidget(),
                description=field["description"],
                validators=[Optional()],
            )
            for name, field in CONNECTION_FIELDS.items()
        }


def unreadable_connection(ionq_conn_id: str, error: Exception) -> str:
    """
    Describe an unexpected error of reading an Airflow connection. A secrets backend may raise anything.

    :param ionq_conn_id: id of the Airflow connection.
    :param error: the error; its text is left out if it may quote a URI that Airflow could not parse, key included.
    """
    quotes_input = isinstance(error, ValueError) or "://" in str(error)
    detail = type(error).__name__ if quotes_input else f"{type(error).__name__}: {error}"
    return f"Airflow connection {ionq_conn_id!r} could not be read. {detail}"


def _extra_object(connection: Connection) -> dict[str, Any]:
    # `extra_dejson` alone returns an empty object for invalid JSON; it is used because it also masks secrets.
    try:
        extra = json.loads(connection.extra or "{}")
    except ValueError:
        extra = None
    if not isinstance(extra, dict):
        raise IonQConfigurationError("extra must be a JSON object")
    return connection.extra_dejson


def _try_api(client: IonQClient) -> tuple[bool, str]:
    key = client.whoami()
    works = f"The API key {key.get('key_name')!r} works at {client.settings.base_url}"
    try:
        client.list_sessions(active=True)
    except IonQAddressError as error:
        return False, f"{works}, but the sessions could not be listed. {error}"
    except (IonQNotFoundError, IonQPermissionError):
        return True, f"{works}, but sessions are not enabled for this account: ask support@ionq.com to enable them."
    except IonQApiError as error:
        return True, f"{works}, but the sessions could not be listed. {error}"
    except IonQError as error:
        return False, f"{works}, but listing the sessions returned an unexpected response. {error}"
    return True, f"{works}, and sessions are enabled."
