"""The triggers that are compared with: one that only sleeps, and two as people write them by hand today."""

from __future__ import annotations

import asyncio
import functools
import warnings
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.connection import get_async_connection
from airflow.triggers.base import BaseTrigger, TriggerEvent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ionq_core.client import AuthenticatedClient


class _EveryInterval(BaseTrigger):
    """
    Arguments of a trigger that looks by itself.

    :param session_id: id of the session.
    :param conn_id: id of the Airflow connection.
    :param poke_interval: time between two looks, in seconds.
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
    """Wakes at the interval and does nothing: what a waiting trigger costs at the very least."""

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Sleep for ever."""
        while True:  # noqa: ASYNC110 - waking up in vain is what is measured
            await asyncio.sleep(self.poke_interval)
        yield TriggerEvent(None)


class IonQCoreTrigger(_EveryInterval):
    """Asks for its session with ionq-core's client, one client for all: making one takes 0.1 s of the event loop."""

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
    """Asks for its session with aiohttp."""

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
