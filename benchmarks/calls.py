"""
What one look costs: the hook, a bare `requests.Session`, and the http provider's hook, in alternating blocks.

The sensor of the http provider makes a hook for each poke, and ours keeps its own: so is it here.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests
from airflow.providers.http.hooks.http import HttpHook

from airflow_provider_ionq.hooks.ionq import IonQHook
from benchmarks.contestants import HTTP_PROVIDER, OURS
from benchmarks.fake import session_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.fake import FakeApi

BARE = "bare"


@dataclass(slots=True)
class Called:
    """
    What calls took.

    :param blocks: seconds that each block of calls took.
    :param calls: how many calls in all, without the first of all, which is not counted.
    :param connections: how many TCP connections these opened.
    """

    blocks: list[float]
    calls: int = 0
    connections: int = 0


def call(fake: FakeApi, blocks: int, calls_per_block: int) -> dict[str, Called]:
    """
    Ask for a session over and over; the environment holds the Airflow connections.

    :param fake: the API.
    :param blocks: how many blocks of each.
    :param calls_per_block: how many calls in each.
    """
    callers = _callers(fake)
    seen = {name: Called([]) for name in callers}
    for ask in callers.values():
        ask()
    for block in range(blocks):
        names = list(callers)
        for name in names[block % len(names) :] + names[: block % len(names)]:
            ask = callers[name]
            connections = fake.counts().connections
            began = time.perf_counter()
            for _ in range(calls_per_block):
                ask()
            seen[name].blocks.append(time.perf_counter() - began)
            seen[name].calls += calls_per_block
            seen[name].connections += fake.counts().connections - connections
    return seen


def _callers(fake: FakeApi) -> dict[str, Callable[[], object]]:
    session = requests.Session()
    ours = IonQHook("ionq_default")
    url, headers = f"{fake.url}/sessions/{session_id(0)}", {"Authorization": "apiKey bench-key"}
    return {
        BARE: lambda: session.get(url, headers=headers, timeout=30).json(),
        OURS: lambda: ours.get_session(session_id(0)),
        HTTP_PROVIDER: lambda: HttpHook("GET", "http_default").run(f"v0.4/sessions/{session_id(0)}").json(),
    }
