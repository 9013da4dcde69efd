"""Triggers for comparison: one that only sleeps, and two that a user would write by hand."""

from __future__ import annotations

import asyncio
import functools
import warnings
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.connection import get_async_connection
from airflow.triggers.base import BaseTrigger, TriggerEvent

from benchmarks.fake import session_json

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ionq_core.client import AuthenticatedClient


class _EveryInterval(BaseTrigger):
    """
    A trigger that polls by itself.

    :param session_id: id of the session.
    :param conn_id: id of the Airflow connection.
    :param poke_interval: time between two polls, in seconds.
    """

    def __init__(self, session_id: str, conn_id: str, poke_interval: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.session_id = session_id
        self.conn_id = conn_id
        self.poke_interval = poke_interval

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return class path and arguments."""
        return (
            f"{type(self).__module__}.{type(self).__name__}",
            {"session_id": self.session_id, "conn_id": self.conn_id, "poke_interval": self.poke_interval},
        )


class SleepingTrigger(_EveryInterval):
    """
    Wakes at the interval and does nothing, which is the least that a waiting trigger can cost.

    At the end all of these triggers fire at one moment, which shows the cost of so many events in Airflow itself.
    """

    naps: ClassVar[set[asyncio.Future[None]]] = set()
    told_to_fire: ClassVar[bool] = False

    @classmethod
    def fire_all(cls) -> None:
        """Let all sleeping triggers fire. Runs on the event loop."""
        cls.told_to_fire = True
        for nap in cls.naps:
            _wake(nap)

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Sleep until :meth:`fire_all`, then fire an event like that of this provider."""
        while not self.told_to_fire:
            await self._sleep()
        number = int(self.session_id.rpartition("-")[2])
        yield TriggerEvent({"session_id": self.session_id, "session": session_json(number, started=True)})

    async def _sleep(self) -> None:
        """Sleep like `asyncio.sleep`, but so that :meth:`fire_all` can end the sleep."""
        loop = asyncio.get_running_loop()
        nap: asyncio.Future[None] = loop.create_future()
        timer = loop.call_later(self.poke_interval, _wake, nap)
        self.naps.add(nap)
        try:
            await nap
        finally:
            timer.cancel()
            self.naps.discard(nap)


def _wake(nap: asyncio.Future[None]) -> None:
    if not nap.done():
        nap.set_result(None)


class IonQCoreTrigger(_EveryInterval):
    """Reads its session with ionq-core's client, which is shared: creating one blocks the event loop for 0.1 s."""

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait until the session is started."""
        from ionq_core.api.default import get_session

        connection = await get_async_connection(self.conn_id)
        client = _ionq_core_client(str(connection.password), str(connection.host))
        while True:
            session = await get_session.asyncio(self.session_id, client=client)
            if session is not None and session.status == "started":
                yield TriggerEvent({"session_id": self.session_id, "session": session.to_dict()})
                return
            await asyncio.sleep(self.poke_interval)


@functools.cache
def _ionq_core_client(key: str, url: str) -> AuthenticatedClient:
    from ionq_core import IonQClient

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return IonQClient(api_key=key, base_url=url)


class AiohttpTrigger(_EveryInterval):
    """Reads its session with aiohttp."""

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait until the session is started."""
        import aiohttp

        connection = await get_async_connection(self.conn_id)
        headers = {"Authorization": f"apiKey {connection.password}"}
        async with aiohttp.ClientSession(headers=headers) as client:
            while True:
                async with client.get(f"{connection.host}/sessions/{self.session_id}") as response:
                    session = await response.json()
                if session["status"] == "started":
                    yield TriggerEvent({"session_id": self.session_id, "session": session})
                    return
                await asyncio.sleep(self.poke_interval)
