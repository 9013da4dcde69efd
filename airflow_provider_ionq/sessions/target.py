"""
The target of a wait for a session, and what a session's JSON means for a waiter.

Pure: no I/O, no clock, no Airflow. Poke, reschedule, trigger and resume all decide here and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.api.json_text import json_object, json_text, quoted_value
from airflow_provider_ionq.waiting.decision import WAIT, Decision, Outcome

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

STATUSES = ("created", "started", "ended")
"""The statuses that IonQ documents, in the order in which a session takes them."""

_RANK = {status: rank for rank, status in enumerate(STATUSES)}


@dataclass(frozen=True, slots=True)
class SessionTarget:
    """
    The target of a wait. If both are given, both must hold in the same response.

    :param statuses: any of these statuses; None ignores the status.
    :param active: this value of the active flag; None ignores the flag.
    """

    statuses: tuple[str, ...] | None
    active: bool | None

    @classmethod
    def of(cls, status: str | Collection[str] | None, active: bool | None) -> SessionTarget:
        """
        Validate the `status` and `active` arguments of a sensor or trigger.

        :raises ValueError: naming the argument and the allowed values.
        """
        if active is not None and not isinstance(active, bool):
            raise ValueError(f"active must be True, False or None, not {active!r}")
        if status is None:
            if active is None:
                raise ValueError("status or active must be given: there is nothing to wait for")
            return cls(None, active)
        if not isinstance(status, (str, list, tuple, set, frozenset)):
            raise ValueError(f"status must be a status or a collection of statuses, not {status!r}")
        named = [status] if isinstance(status, str) else list(status)
        if not named:
            raise ValueError(f"status is an empty collection; allowed are {', '.join(STATUSES)}")
        for name in named:
            if not isinstance(name, str) or name not in _RANK:
                raise ValueError(f"status {name!r} is unknown; allowed are {', '.join(STATUSES)}")
        return cls(tuple(sorted(set(named), key=_RANK.__getitem__)), active)

    def decide(self, item: Mapping[str, Any]) -> Decision:
        """Decide what a session's JSON means for a waiter; see :func:`decide`."""
        return decide(item, self)

    def hint(self, item: Mapping[str, Any]) -> str | None:
        """Return a warning when the session may never be started, else None."""
        return never_started_hint(item, self)

    def __str__(self) -> str:
        wanted = [] if self.statuses is None else [f"status {' or '.join(self.statuses)}"]
        if self.active is not None:
            wanted.append(f"active {str(self.active).lower()}")
        return " and ".join(wanted)


def is_ended(session: Mapping[str, Any]) -> bool:
    """Tell whether a session has ended: its `ended_at` is set, whatever its status says, or its status is `ended`."""
    return session.get("status") == "ended" or session.get("ended_at") is not None


def decide(session: Mapping[str, Any], target: SessionTarget) -> Decision:
    """
    Decide what a session's JSON means for a waiter for the target.

    A session is ended when its `ended_at` is set, whatever its status. An undocumented status meets no target, and the
    wait continues. The wait also continues on an active flag that is missing or not a boolean, unless the session is
    ended: then the flag no longer changes.

    :param session: the session's JSON from the API.
    :param target: the target of the wait.
    """
    status = session.get("status")
    ended = is_ended(session)
    effective = "ended" if ended else status
    rank = _RANK.get(effective) if isinstance(effective, str) else None
    warning = None
    met = True
    if target.statuses is not None:
        if rank is None:
            met = False
            warning = (
                f"Session {json_text(session.get('id'))} has the status {quoted_value(status)}, which IonQ does not"
                " document; still waiting."
            )
        elif effective not in target.statuses:
            met = False
            if all(_RANK[wanted] < rank for wanted in target.statuses):
                return Decision(Outcome.IMPOSSIBLE, _impossible_reason(session, target))
    if target.active is not None:
        active = session.get("active")
        if active is not target.active:
            if ended:
                return Decision(Outcome.IMPOSSIBLE, _impossible_reason(session, target))
            met = False
            if not isinstance(active, bool):
                warning = (
                    f"Session {json_text(session.get('id'))} has the active flag {quoted_value(active)}, which is not a"
                    " boolean; still waiting."
                )
    if met:
        return Decision(Outcome.MET, f"Session {json_text(session.get('id'))} has {target}.")
    return Decision(Outcome.WAIT, warning=warning) if warning else WAIT


def is_selected(session: Mapping[str, Any], target: SessionTarget | None, backend: str | None) -> bool:
    """
    Return whether a session matches the filters of a list.

    :param session: the session's JSON from the API.
    :param target: statuses and active flag to select; None for any.
    :param backend: name of the device; None for any.
    """
    session = json_object(session)
    if backend is not None and session.get("backend") != backend:
        return False
    return target is None or target.decide(session).outcome is Outcome.MET


def never_started_hint(session: Mapping[str, Any], target: SessionTarget) -> str | None:
    """Return a warning for a waiter when the session may never be started, else None."""
    if session.get("status") != "created" or "created" in (target.statuses or ()):
        return None
    return (
        "IonQ starts a session when its first job is submitted: if nothing submits a job to session"
        f" {json_text(session.get('id'))}, it is never started."
    )


def _impossible_reason(session: Mapping[str, Any], target: SessionTarget) -> str:
    seen = ", ".join(f"{name} {quoted_value(session.get(name))}" for name in ("status", "active", "ended_at"))
    text = f"Session {json_text(session.get('id'))} can never have {target}: it has {seen}."
    if target.statuses is not None and "started" in target.statuses and "ended" not in target.statuses:
        if session.get("started_at") is None:
            return text + " It ended without having been started."
        return text + (
            f" It was started at {json_text(session['started_at'])} and has ended since;"
            ' if that is enough, wait for status=("started", "ended").'
        )
    return text
