"""The parity table: every history has the same outcome in every mode, with and without `soft_fail`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSensorTimeout, AirflowSkipException

from airflow_provider_ionq.emulator import Step
from airflow_provider_ionq.exceptions import IonQFailException, IonQImpossibleStateException
from tests.support.airflows import marks
from tests.waiting.modes import MODES, run_sensor

if TYPE_CHECKING:
    from airflow_provider_ionq.emulator import Emulator

AfterLooks = Callable[[int, Callable[[], object]], None]
GET_ONE = "GET /sessions/{session_id}"


@dataclass(frozen=True)
class History:
    """What happens to a session, what is awaited, and how the task must end without soft_fail."""

    target: dict[str, Any]
    error: type[BaseException] | None = None
    says: tuple[str, ...] = ()
    plan: tuple[Step, ...] = ()
    before: Callable[[Emulator, str], object] = lambda emulator, session_id: None
    after: tuple[int, Callable[[Emulator, str], object]] | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    requests: int | None = None


STARTED = {"status": "started"}


def answering(*statuses: int, start: bool = True, **fault: Any) -> Callable[[Emulator, str], object]:
    """Let the session be started behind requests that fail with these statuses."""

    def act(emulator: Emulator, session_id: str) -> None:
        if start:
            emulator.start_session(session_id)
        for status in statuses:
            emulator.fail(status, **fault)

    return act


def start_with_null_settings_and_novelty(emulator: Emulator, session_id: str) -> None:
    """Serve what no schema has."""
    emulator.start_session(session_id)
    emulator.update_session(session_id, settings=None, novelty={"x": [1, None]})


HISTORIES = {
    "started before the first look": History(STARTED, before=lambda e, s: e.start_session(s), requests=1),
    "started while waiting": History(STARTED, plan=(Step("started", after_reads=3),)),
    "any of two statuses": History({"status": ["started", "ended"]}, plan=(Step("ended", after_reads=2),)),
    "awaiting the end": History(
        {"status": "ended"}, plan=(Step("started", after_reads=1), Step("ended", after_reads=2))
    ),
    "no longer active": History({"active": False}, plan=(Step("ended", after_reads=2),)),
    "status and active flag together": History(
        {"status": "started", "active": True}, plan=(Step("started", after_reads=2),)
    ),
    "ended before the first look": History(
        STARTED,
        IonQImpossibleStateException,
        ("status started", "'ended'"),
        before=lambda e, s: e.end_session(s),
        requests=1,
    ),
    "ended while started is awaited": History(
        STARTED, IonQImpossibleStateException, ("without having been started",), plan=(Step("ended", after_reads=3),)
    ),
    "ended while active is awaited": History(
        {"status": ["started"], "active": False},
        IonQImpossibleStateException,
        ("active false",),
        plan=(Step("started", after_reads=2), Step("ended", after_reads=2)),
    ),
    "started when created is awaited": History(
        {"status": "created"}, IonQImpossibleStateException, before=lambda e, s: e.start_session(s)
    ),
    "unknown status, then started": History(
        STARTED,
        before=lambda e, s: e.update_session(s, status="paused"),
        after=(3, lambda e, s: e.start_session(s)),
    ),
    "null settings and new fields": History(STARTED, before=start_with_null_settings_and_novelty),
    "key refused at the first look": History(
        STARTED, IonQFailException, ("401", "ionq_default"), before=lambda e, s: setattr(e, "api_key", "x"), requests=1
    ),
    "forbidden at the first look": History(
        STARTED, IonQFailException, ("403",), before=answering(403, seconds=60), requests=1
    ),
    "unknown session at the first look": History(
        STARTED, IonQFailException, ("404", "not enabled"), before=lambda e, s: e.delete_session(s), requests=2
    ),
    "sessions not enabled": History(
        STARTED, IonQFailException, ("not enabled",), before=lambda e, s: setattr(e, "sessions_enabled", False)
    ),
    "redirect at the first look": History(STARTED, IonQFailException, ("302",), before=answering(302, seconds=60)),
    "outage at the first look": History(STARTED, before=answering(503, times=3), requests=4),
    "rate limit at the first look": History(STARTED, before=answering(429, times=2, retry_after=0), requests=3),
    "unreadable body at the first look": History(
        STARTED, before=answering(200, body="<html>", content_type="text/html")
    ),
    "another session's body at the first look": History(
        STARTED, before=answering(200, body='{"id":"x","status":"started"}')
    ),
    "outage while waiting": History(
        STARTED,
        after=(2, answering(500, 500, 502, 524)),
    ),
    "key refused once while waiting": History(STARTED, after=(2, answering(401))),
    "key refused for good while waiting": History(
        STARTED, IonQFailException, ("401",), after=(2, lambda e, s: setattr(e, "api_key", "rotated"))
    ),
    "session deleted while waiting": History(
        STARTED, IonQFailException, ("404",), after=(2, lambda e, s: e.delete_session(s))
    ),
    "time-out": History(STARTED, AirflowSensorTimeout, arguments={"timeout": 0.5}),
    "time-out in an outage": History(
        STARTED, AirflowSensorTimeout, arguments={"timeout": 0.5}, before=answering(503, seconds=60)
    ),
    "unconfirmed refusal at the time-out": History(
        STARTED,
        AirflowSensorTimeout,
        arguments={"timeout": 0.4, "poke_interval": 10},
        after=(1, lambda e, s: e.delete_session(s)),
    ),
    "id that rendered to None": History(
        STARTED, IonQFailException, ("rendered to None",), arguments={"session_id": None}, requests=0
    ),
    "no such connection": History(
        STARTED, IonQFailException, ("nowhere",), arguments={"ionq_conn_id": "nowhere"}, requests=0
    ),
}


def begin(history: History, emulator: Emulator, after_looks: AfterLooks) -> str:
    """Create the session and arrange what happens to it; return its id."""
    session_id: str = emulator.create_session(backend="qpu.forte-1", plan=list(history.plan))["id"]
    history.before(emulator, session_id)
    if history.after is not None:
        count, action = history.after
        after_looks(count, lambda: action(emulator, session_id))
    return session_id


# What `soft_fail` turns into a skip: an exception of each class, from the worker's first poll and from a later one.
SOFT_FAILS = (
    "ended before the first look",
    "ended while started is awaited",
    "key refused at the first look",
    "session deleted while waiting",
    "time-out",
    "time-out in an outage",
    "unconfirmed refusal at the time-out",
    "id that rendered to None",
    "no such connection",
)
# On other Airflows: a success of the worker's first poll, one of a later poll, one after an outage, and what fails.
ON_EVERY_AIRFLOW = ("started before the first look", "started while waiting", "outage while waiting", *SOFT_FAILS)
ROWS = [(name, False) for name in HISTORIES] + [(name, True) for name in SOFT_FAILS]


@pytest.mark.parametrize(
    ("name", "soft_fail"),
    [
        pytest.param(*row, id="-".join([row[0], *["soft_fail"] * row[1]]), marks=marks(row[0], ON_EVERY_AIRFLOW))
        for row in ROWS
    ],
)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.usefixtures("reread_at_once")
def test_every_mode_ends_with_the_same_outcome(
    ionq_emulator: Emulator, after_looks: AfterLooks, name: str, mode: str, soft_fail: bool
) -> None:
    history = HISTORIES[name]
    session_id = begin(history, ionq_emulator, after_looks)

    ending = run_sensor(
        mode, **{"session_id": session_id, "soft_fail": soft_fail, **history.target, **history.arguments}
    )

    if history.error is None:
        assert (ending.state, ending.error) == ("success", None)
        assert ending.value == ionq_emulator.session(session_id)
    else:
        expected = ("skipped", AirflowSkipException) if soft_fail else ("failed", history.error)
        assert (ending.state, ending.error) == expected, ending.message
        for words in history.says:
            assert words in ending.message
    if history.requests is not None:
        # A mistake that the triggerer sees first is looked at again by the worker that says so.
        again = mode == "start_from_trigger" and ending.error is not None and history.requests > 0
        assert history.requests <= len(ionq_emulator.requests) <= history.requests + again


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "name",
    ["ended while started is awaited", "key refused at the first look", "session deleted while waiting", "time-out"],
)
@pytest.mark.usefixtures("reread_at_once")
def test_never_fail_skips_in_every_mode(ionq_emulator: Emulator, after_looks: AfterLooks, name: str, mode: str) -> None:
    history = HISTORIES[name]
    session_id = begin(history, ionq_emulator, after_looks)
    ending = run_sensor(mode, session_id=session_id, never_fail=True, **{**history.target, **history.arguments})
    assert (ending.state, ending.error) == ("skipped", AirflowSkipException)
