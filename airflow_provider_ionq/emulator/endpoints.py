"""
The API's operations on the account, its sessions and its backends, without HTTP.

An endpoint gets the account, whose lock its caller holds, and the parts of the request. It returns the JSON value of
the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_ionq.emulator import account_data
from airflow_provider_ionq.emulator.payload import BadBody, BadRequest, json_value
from airflow_provider_ionq.emulator.session_body import problems_in_new_session
from airflow_provider_ionq.emulator.state import NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_ionq.emulator.account import Account


@dataclass(frozen=True)
class Call:
    """
    The parts of a request that an endpoint needs.

    :param parameters: variable segments of the path, decoded, by name.
    :param query: the values of each query parameter.
    :param body: request body.
    """

    parameters: Mapping[str, str]
    query: Mapping[str, list[str]]
    body: bytes

    def payload(self, problems_in: Callable[[object], dict[str, str]]) -> Any:
        """
        Return the JSON value of a valid body.

        :param problems_in: returns the problems of the value, by key.
        :raises BadRequest: the body is invalid.
        """
        try:
            payload = json_value(self.body)
        except BadBody as refused:
            raise BadRequest(str(refused), "payload", *refused.keys) from None
        if problems := problems_in(payload):
            message = "; ".join(f'"{key}" {problem}' if key else problem for key, problem in problems.items())
            raise BadRequest(message, "payload", *(key for key in problems if key))
        return payload


class Later(NamedTuple):
    """
    An answer that takes time: it is computed after the lock has been released, in a thread of its own.

    :param compute: returns the JSON text of the answer.
    """

    compute: Callable[[], str]


def get_whoami(_account: Account, _call: Call) -> Any:
    """Return the key of the account."""
    return {
        "key_id": account_data.KEY_ID,
        "key_name": account_data.KEY_NAME,
        "project_id": account_data.PROJECT_ID,
    }


def list_backends(_account: Account, _call: Call) -> Any:
    """Return all backends."""
    return list(account_data.BACKENDS.values())


def get_backend(_account: Account, call: Call) -> Any:
    """Return one backend."""
    try:
        return account_data.BACKENDS[call.parameters["backend"]]
    except KeyError as unknown:
        raise NotFound(f"no backend has the name {unknown}") from None


def create_session(account: Account, call: Call) -> Any:
    """Create a session, unless the capacity of its backend is full."""
    return account.create_session(call.payload(problems_in_new_session)).fields


def list_sessions(account: Account, call: Call) -> Any:
    """Return the sessions, counting a read of each."""
    flags: dict[str | None, bool | None] = {None: None, "true": True, "false": False}
    (active,) = call.query.get("active", [None])
    if active not in flags:
        raise BadRequest('"active" must be true or false', "query", "active")
    wanted = flags[active]
    account.advance()
    now = account.now()
    sessions = [
        session.read(now)
        for session in account.sessions.values()
        if now >= session.known_from and (wanted is None or session.fields.get("active") is wanted)
    ]
    return {"organization_id": account_data.ORGANIZATION_ID, "sessions": sessions}


def get_session(account: Account, call: Call) -> Any:
    """Return a session, counting a read."""
    return account.served_session(call.parameters["session_id"]).read(account.now())


def end_session(account: Account, call: Call) -> Any:
    """End a session, unless it has ended."""
    session = account.served_session(call.parameters["session_id"])
    session.end(account.now(), account_data.USER_ID)
    return session.fields
