"""Faults of the network between Airflow and the API while a session is awaited."""

from __future__ import annotations

import json
import ssl
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import trustme

from airflow_provider_ionq.emulator import Emulator
from tests.system.gateway import LOOPBACK, Gateway
from tests.system.waits import OUTAGE, Wait

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.system.stack import AirflowStack

Way = Literal["direct", "forwarded", "tls"]
NEW_KEY = "rotated-key"


class Certificates:
    """
    An authority, and what it issues.

    :param folder: where its own certificate goes, for the connections' `verify`.
    """

    def __init__(self, folder: Path) -> None:
        self._authority = trustme.CA()
        self.bundle = folder / "ca.pem"
        self._authority.cert_pem.write_to_path(str(self.bundle))

    def context(self, host: str, *, expired: bool = False) -> ssl.SSLContext:
        """
        Return what a server needs to speak TLS.

        :param host: its name.
        :param expired: whether its certificate has.
        """
        days = (-30, -1) if expired else (-1, 30)
        since, until = (datetime.now(UTC) + timedelta(days=day) for day in days)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(host, not_before=since, not_after=until).configure_cert(context)
        return context


@dataclass
class Scene:
    """
    One wait with an emulator, a connection and a way to the emulator of its own.

    :param stack: where it waits.
    :param names: folder of the names that can be resolved.
    :param certificates: issues those of the gateway.
    :param ionq_conn_id: id of the connection that is made.
    :param mode: how it waits.
    """

    stack: AirflowStack
    names: Path
    certificates: Certificates
    ionq_conn_id: str
    mode: str
    emulator: Emulator = field(default_factory=Emulator)
    undo: ExitStack = field(default_factory=ExitStack)

    def open(self, fault: Fault) -> None:
        """Make the way to the emulator and the connection, and start the wait."""
        self.undo.enter_context(self.emulator)
        if fault.way == "direct":
            url = self.emulator.url
        elif fault.way == "forwarded":
            self.gateway = self.undo.enter_context(Gateway(self.emulator.port))
            url = self.gateway_url
        else:
            self.host = f"{self.ionq_conn_id.replace('_', '-')}.ionq.test"
            self.name_file = self.names / self.host
            self.name_file.touch()
            self.gateway = self.undo.enter_context(Gateway(self.emulator.port, self.certificates.context(self.host)))
            url = f"https://{self.host}:{self.gateway.port}/v0.4"
        if fault.at_first_look:
            fault.befalls(self)
        extra = {"verify": str(self.certificates.bundle), "timeout_seconds": fault.timeout_seconds}
        self._connection = {
            "connection_id": self.ionq_conn_id,
            "conn_type": "ionq",
            "host": url,
            "password": self.emulator.api_key,
            "extra": json.dumps(extra),
        }
        self.stack.api.post("/connections", self._connection)
        self.wait = Wait(self.stack, self.emulator, self.mode, "calm", self.ionq_conn_id)

    @property
    def gateway_url(self) -> str:
        """Address of the API behind a gateway that speaks no TLS."""
        return f"http://{LOOPBACK}:{self.gateway.port}/v0.4"

    def change_connection(self, **fields: Any) -> None:
        """Change the Airflow connection, as a person would in the web interface."""
        self._connection |= fields
        self.stack.api.patch(f"/connections/{self.ionq_conn_id}", self._connection)

    def statuses(self) -> list[int]:
        """Return the statuses of the answers to all looks."""
        return [request.status for request in self.emulator.requests if request.session_id == self.wait.session_id]

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until something holds."""
        self.stack.wait_until(condition, 240, f"{what} in {self.ionq_conn_id}", self.wait.evidence)


@dataclass(frozen=True)
class Fault:
    """
    What befalls, and how it ends.

    :param befalls: begins it.
    :param passes: ends it, once it was noticed; None means that it ends by itself or never does.
    :param way: what stands between Airflow and the emulator.
    :param fails_with: what the log says of the failure that it causes; None means that the wait goes on.
    :param at_first_look: whether it befalls before the first look.
    :param noticed: how to tell that it was noticed; None means by the task's log.
    :param most_faults: how many answers other than a success there may be; None means that it does not matter.
    :param timeout_seconds: the connection's.
    """

    befalls: Callable[[Scene], None]
    passes: Callable[[Scene], None] | None = None
    way: Way = "direct"
    fails_with: str | None = None
    at_first_look: bool = False
    noticed: Callable[[Scene], bool] | None = None
    most_faults: int | None = None
    timeout_seconds: float = 30.0


def play(scene: Scene, fault: Fault) -> None:
    """Let a fault befall a wait in the middle; check that it ends as it should."""
    wait = scene.wait
    if not fault.at_first_look:
        wait.until_it_waits()
        fault.befalls(scene)
    if fault.fails_with is not None:
        wait.fails_at_once(fault.fails_with)
        assert "IonQFailException" in wait.log()
        if fault.at_first_look:
            assert wait.looks == 0
    else:
        if fault.noticed is None:
            wait.until_it_notices()
        else:
            seen = fault.noticed
            scene.until(lambda: seen(scene), "the fault to be noticed")
            if fault.most_faults == 0:
                assert OUTAGE not in wait.log()
        wait.emulator.start_session(wait.session_id)
        if fault.passes is not None:
            fault.passes(scene)
        wait.ends_as_if_nothing_had_happened()
    assert wait.looks <= wait.most_looks()
    if fault.most_faults is not None:
        failed = [status for status in scene.statuses() if status != 200]
        assert len(failed) <= fault.most_faults, failed
