"""The limits of a session as templates render them."""

from __future__ import annotations

import pytest

from airflow_provider_ionq.sessions.request import LIMITS, SessionRequest
from tests.support.facts import facts

pytestmark = pytest.mark.one_airflow


@pytest.mark.parametrize("text", ["None", "none", " None ", "null", "NULL"])
@pytest.mark.parametrize("name", [*LIMITS, "backend"])
def test_a_missing_value_that_was_rendered_to_text_says_what_to_write(name: str, text: str) -> None:
    arguments = {"backend": "qpu.forte-1", "duration_limit_min": 60, name: text}
    with pytest.raises(ValueError, match=facts(f"{name} | '{text}' | template | render_template_as_native_obj=True")):
        SessionRequest.of(**arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("empty", ["", "  ", None])
@pytest.mark.parametrize("name", LIMITS)
def test_an_empty_limit_is_no_limit(name: str, empty: str | None) -> None:
    others = {other: 5 for other in LIMITS if other != name}
    request = SessionRequest.of("qpu.forte-1", **others, **{name: empty})  # type: ignore[arg-type]
    assert getattr(request, name) is None
    assert len(request.settings) == 2


@pytest.mark.parametrize("empty", ["", None])
def test_a_session_with_empty_limits_only_has_no_limit_and_is_rejected(empty: str | None) -> None:
    with pytest.raises(ValueError, match="one of duration_limit_min, job_count_limit, cost_limit_usd must be given"):
        SessionRequest.of("qpu.forte-1", **dict.fromkeys(LIMITS, empty))
    assert SessionRequest.of("qpu.forte-1", **dict.fromkeys(LIMITS, empty), allow_unlimited=True).settings == {}
