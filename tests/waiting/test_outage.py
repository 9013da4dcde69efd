"""The pauses in an outage, and when a rejection is final."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ionq.api.error_mapping import api_error_class
from airflow_provider_ionq.api.errors import IonQConnectionError, IonQError
from airflow_provider_ionq.waiting.outage import Outage, is_refusal

pytestmark = pytest.mark.one_airflow


def api_error(status: int, retry_after: float | None = None) -> IonQError:
    return api_error_class(status)("", status=status, retry_after_seconds=retry_after)


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 410, 413])
def test_client_error_of_the_api_is_a_refusal(status: int) -> None:
    assert is_refusal(api_error(status))


@pytest.mark.parametrize("status", [302, 307, 408, 409, 425, 429, 500, 502, 503, 504, 520, 529])
def test_transient_error_is_no_refusal(status: int) -> None:
    assert not is_refusal(api_error(status))


def test_refusal_is_final_at_the_second_poll_with_freshly_read_credentials() -> None:
    outage = Outage()
    outage.failed(api_error(401), credentials=1)
    assert not outage.final
    outage.failed(api_error(401), credentials=1)
    assert not outage.final, "the same credentials prove nothing about a rotated key"
    outage.failed(api_error(401), credentials=2)
    assert outage.final


def test_refusals_that_are_not_in_a_row_do_not_add_up() -> None:
    outage = Outage()
    outage.failed(api_error(401), credentials=1)
    outage.failed(IonQConnectionError(), credentials=2)
    outage.failed(api_error(401), credentials=3)
    assert not outage.final
    assert outage.refused


def test_no_outage_of_the_service_is_ever_final() -> None:
    outage = Outage()
    for credentials in range(100):
        outage.failed(api_error(503), credentials)
    assert not outage.final


def test_only_the_first_failure_begins_an_outage_and_only_its_end_ends_it() -> None:
    outage = Outage()
    assert not outage.passed()
    assert outage.failed(api_error(500), 1)
    assert not outage.failed(api_error(500), 1)
    assert outage.passed()
    assert not outage.passed()


def test_pauses_grow_to_eight_intervals_and_shrink_when_the_outage_is_over() -> None:
    outage = Outage()
    pauses = []
    for _ in range(6):
        outage.failed(api_error(500), 1)
        pauses.append(outage.pause_seconds(5))
    assert pauses == [5, 10, 20, 40, 40, 40]
    outage.passed()
    assert outage.pause_seconds(5) == 5


def test_pauses_of_a_reschedule_do_not_grow_but_honour_retry_after() -> None:
    outage = Outage()
    for _ in range(4):
        outage.failed(api_error(429, retry_after=90), 1)
    assert outage.pause_seconds(60, grow=False) == 90


def test_retry_after_is_forgotten_with_the_next_answer() -> None:
    outage = Outage()
    outage.failed(api_error(429, retry_after=200), 1)
    assert outage.pause_seconds(5) == 200
    outage.failed(IonQConnectionError(), 1)
    assert outage.pause_seconds(5) == 10


@given(
    interval=st.floats(0.01, 1e5),
    asked=st.none() | st.floats(0, 1e12),
    failures=st.integers(0, 2000),
)
def test_a_pause_is_never_shorter_than_the_interval_nor_absurdly_long(
    interval: float, asked: float | None, failures: int
) -> None:
    outage = Outage()
    for _ in range(failures):
        outage.failed(api_error(429, retry_after=asked), 1)
    assert interval <= outage.pause_seconds(interval) <= max(interval, 300)
