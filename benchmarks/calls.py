"""
The cost of one poll: by the hook, a bare `requests.Session`, and the http provider's hook, in alternating blocks.

As in the sensors, the http provider's hook is created for each call, and ours once.
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
    The cost of calls.

    :param blocks: duration of each block of calls, in seconds.
    :param calls: number of calls, without the very first, which is not measured.
    :param connections: number of TCP connections that these calls opened.
    """

    blocks: list[float]
    calls: int = 0
    connections: int = 0


def call(fake: FakeApi, blocks: int, calls_per_block: int) -> dict[str, Called]:
    """
    Read a session many times; the environment has the Airflow connections.

    :param fake: the API.
    :param blocks: number of blocks for each caller.
    :param calls_per_block: number of calls in each block.
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
