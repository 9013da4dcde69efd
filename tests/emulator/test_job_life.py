"""The plans and failures of jobs, their parts and results, and the requests that copy and delete them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.emulator import Emulator, Step
from airflow_provider_ionq.emulator.failure import FAILURE_CODES
from airflow_provider_ionq.emulator.state import JOB_STATUSES, timestamp
from tests.emulator.conftest import BELL, BODY
from tests.support.facts import facts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.emulator.conftest import Client, Clock

MANY = {
    "type": "ionq.multi-circuit.v1",
    "name": "batch",
    "metadata": {"k": "v"},
    "input": {"gateset": "qis", "circuits": [{"circuit": BELL["circuit"], "name": name} for name in ("one", "two")]},
}
WHILE_RUNNING = {"InternalError", "QuantumComputerError", "SimulationError", "SimulationTimeout", "SystemCancel"}


def _submit(client: Client, **change: Any) -> str:
    answer = client("POST", "/jobs", json=BODY | change)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def _get(client: Client, job_id: str) -> dict[str, Any]:
    answer = client("GET", f"/jobs/{job_id}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_plan_of_a_job_is_followed_by_reads_and_seconds(run: Callable[..., Client], clock: Clock) -> None:
    plan = [Step("ready", after_reads=1), Step("started", after_seconds=5), Step("completed", after_reads=2)]
    client = run(clock=clock, job_plan=plan)
    job_id = _submit(client)
    assert [_get(client, job_id)["status"] for _ in range(3)] == ["submitted", "ready", "ready"]
    clock.now += 5
    assert [_get(client, job_id)["status"] for _ in range(3)] == ["started", "started", "completed"]
    shown = _get(client, job_id)
    assert (shown["started_at"], shown["completed_at"]) == (timestamp(clock.now), timestamp(clock.now))


@pytest.mark.parametrize("status", ["completed", "failed", "canceled"])
@pytest.mark.parametrize("in_session", [False, True])
def test_plan_may_end_in_any_final_status(client: Client, clock: Clock, status: str, in_session: bool) -> None:
    session_id = client.emulator.create_session()["id"] if in_session else None
    plan = [Step("started", after_seconds=1), Step(status, after_seconds=2)]
    job_id = client.emulator.submit_job(session_id, plan=plan)["id"]
    began = clock.now
    clock.now += 100
    shown = _get(client, job_id)
    assert (shown["status"], shown["started_at"], shown["completed_at"]) == (
        status,
        timestamp(began + 1),
        timestamp(began + 3),
    )
    assert shown["execution_duration_ms"] == 2000


@pytest.mark.parametrize(
    "plan",
    [
        [Step("completed", after_reads=1), Step("started", after_reads=1)],
        [Step("ready", after_reads=1), Step("ready", after_reads=1)],
        [Step("completed", after_reads=1), Step("failed", after_reads=1)],
        [Step("ended", after_reads=1)],
    ],
)
def test_impossible_plan_of_a_job_is_rejected(emulator: Emulator, plan: Sequence[Step]) -> None:
    with pytest.raises(ValueError, match="a plan of a job"):
        emulator.submit_job(plan=plan)
    with pytest.raises(ValueError, match="a plan of a job"):
        Emulator(job_plan=plan)


def test_plan_of_a_session_has_no_status_of_a_job() -> None:
    with pytest.raises(ValueError, match="a plan may start"):
        Emulator(plan=[Step("completed", after_reads=1)])


@pytest.mark.parametrize("status", JOB_STATUSES)
def test_status_is_set_by_hand(client: Client, status: str) -> None:
    job_id = _submit(client)
    assert client.emulator.set_job_status(job_id, status)["status"] == status
    shown = _get(client, job_id)
    assert shown["status"] == status
    assert (shown["started_at"] is not None) is (status in ("started", "completed"))
    assert (shown["predicted_wait_time_ms"] is None) is (status not in ("submitted", "ready"))


@pytest.mark.parametrize("status", JOB_STATUSES)
def test_status_is_set_by_hand_over_http(client: Client, status: str) -> None:
    job_id = _submit(client)
    answer = client.control("PATCH", f"/jobs/{job_id}", json={"status": status})
    assert (answer.status_code, answer.json()["status"]) == (200, status)
    assert _get(client, job_id)["status"] == status


def test_status_that_does_not_exist_is_only_a_field(client: Client) -> None:
    job_id = _submit(client)
    with pytest.raises(ValueError, match=facts("status | submitted | paused")):
        client.emulator.set_job_status(job_id, "paused")
    client.emulator.update_job(job_id, status="paused", predicted_wait_time_ms=7, remove=["name"])
    shown = _get(client, job_id)
    assert (shown["status"], shown["predicted_wait_time_ms"]) == ("paused", 7)
    assert "name" not in shown
    assert client.control("PATCH", f"/jobs/{job_id}", json={"status": "stuck", "remove": ["stats"]}).status_code == 200
    assert _get(client, job_id)["status"] == "stuck"
    assert client.emulator.complete_job(job_id)["status"] == "completed"


def test_step_that_was_overtaken_by_hand_does_not_happen(client: Client, clock: Clock) -> None:
    plan = [Step("ready", after_seconds=1), Step("started", after_seconds=1), Step("completed", after_seconds=9)]
    job_id = client.emulator.submit_job(plan=plan)["id"]
    client.emulator.set_job_status(job_id, "started")
    clock.now += 8
    assert _get(client, job_id)["status"] == "started"
    clock.now += 1
    assert _get(client, job_id)["status"] == "completed"


@pytest.mark.parametrize("code", FAILURE_CODES)
def test_next_job_fails_with_the_code(run: Callable[..., Client], clock: Clock, code: str) -> None:
    client = run(clock=clock, job_seconds=5)
    client.emulator.fail_next_job(code, "By order.")
    failing, good = _submit(client), _submit(client)
    assert _get(client, failing)["status"] == ("started" if code in WHILE_RUNNING else "failed")
    clock.now += 5
    shown = _get(client, failing)
    assert (shown["status"], shown["failure"]) == ("failed", {"code": code, "message": "By order."})
    assert (shown["started_at"] is not None) is (code in WHILE_RUNNING)
    assert shown["results"] is None
    assert _get(client, good)["status"] == "completed"


def test_several_jobs_fail(client: Client) -> None:
    assert client.control("POST", "/failures", json={"code": "TooManyGates", "times": 2}).status_code == 201
    assert [_get(client, _submit(client))["status"] for _ in range(3)] == ["failed", "failed", "submitted"]


def test_failure_by_hand_has_a_code_and_a_message(client: Client) -> None:
    job_id = _submit(client)
    change = {"status": "failed", "code": "SystemCancel", "message": "Maintenance."}
    assert client.control("PATCH", f"/jobs/{job_id}", json=change).status_code == 200
    assert _get(client, job_id)["failure"] == {"code": "SystemCancel", "message": "Maintenance."}


def test_unknown_failure_code_is_rejected(emulator: Emulator) -> None:
    job_id = emulator.submit_job()["id"]
    for call in (emulator.fail_next_job, lambda code: emulator.fail_job(job_id, code=code)):
        with pytest.raises(ValueError, match=facts("code | InternalError | Bored")):
            call("Bored")
    with pytest.raises(ValueError, match="times must be"):
        emulator.fail_next_job(times=0)


def test_duration_is_the_time_from_start_to_end(client: Client, clock: Clock) -> None:
    job_id = _submit(client)
    clock.now += 100
    client.emulator.set_job_status(job_id, "started")
    clock.now += 1.5
    client.emulator.complete_job(job_id)
    shown = _get(client, job_id)
    assert shown["execution_duration_ms"] == 1500
    assert shown["stats"]["billed_quantum_compute_time_us"] == 100 * (130 + 970 + 200)


def test_completed_job_describes_its_probabilities(client: Client) -> None:
    job_id = _submit(client)
    path = f"/jobs/{job_id}/results/probabilities"
    assert client("GET", path).status_code == 404
    client.emulator.complete_job(job_id, probabilities={"0": 0.5, "3": 0.5})
    results = _get(client, job_id)["results"]
    name = "ionq.result.probabilities.json.v1"
    descriptor = results[name]
    assert descriptor == {"id": descriptor["id"], "format": name, "media_type": "application/json"}
    assert results["probabilities"] == {"url": f"/v0.4{path}"}
    for where in (path, f"{path}?sharpen=True", f"/jobs/{job_id}/artifacts/{descriptor['id']}"):
        assert client("GET", where).json() == {"0": 0.5, "3": 0.5}
    assert client("GET", f"/jobs/{job_id}/artifacts/other").status_code == 404
    assert client("GET", f"{path}?sharpen=1").status_code == 400


@pytest.mark.parametrize("end", ["fail_job", "cancel_job"])
def test_job_without_results_has_no_artifacts(client: Client, end: str) -> None:
    job_id = _submit(client)
    getattr(client.emulator, end)(job_id)
    assert _get(client, job_id)["results"] is None
    assert client("GET", f"/jobs/{job_id}/results/probabilities").status_code == 404
    assert client("GET", f"/jobs/{job_id}/artifacts/probabilities").status_code == 404


def test_job_with_several_circuits_has_a_job_for_each(client: Client) -> None:
    session_id = client.emulator.create_session()["id"]
    parent = _get(client, _submit(client, **MANY, session_id=session_id))
    children = [_get(client, child) for child in parent["child_job_ids"]]
    assert [child["name"] for child in children] == ["one", "two"]
    for child in children:
        assert (child["parent_job_id"], child["session_id"], child["metadata"]) == (parent["id"], session_id, None)
        assert (child["type"], child["child_job_ids"]) == ("ionq.circuit.v1", None)
    listed = client("GET", f"/jobs?parent_job_id={parent['id']}").json()["jobs"]
    assert [child["id"] for child in listed] == parent["child_job_ids"]
    everything = {job["id"] for job in client("GET", f"/sessions/{session_id}/jobs").json()["jobs"]}
    assert everything == {parent["id"], *parent["child_job_ids"]}


@pytest.mark.parametrize("status", [status for status in JOB_STATUSES if status != "submitted"])
def test_children_follow_their_parent(client: Client, status: str) -> None:
    job_id = _submit(client, **MANY)
    children = _get(client, job_id)["child_job_ids"]
    client.emulator.set_job_status(job_id, status)
    assert [_get(client, child)["status"] for child in children] == [status, status]


def test_child_that_has_failed_stays_failed(client: Client) -> None:
    job_id = _submit(client, **MANY)
    bad, good = _get(client, job_id)["child_job_ids"]
    client.emulator.fail_job(bad)
    client.emulator.complete_job(job_id)
    assert [_get(client, child)["status"] for child in (job_id, bad, good)] == ["completed", "failed", "completed"]


def test_children_are_completed_on_time(run: Callable[..., Client], clock: Clock) -> None:
    client = run(clock=clock, job_seconds=5)
    (child, _) = _get(client, _submit(client, **MANY))["child_job_ids"]
    clock.now += 4
    assert _get(client, child)["status"] == "started"
    clock.now += 1
    assert _get(client, child)["status"] == "completed"


def test_results_of_several_circuits_are_keyed_by_child(client: Client) -> None:
    job_id = _submit(client, **MANY)
    one, two = _get(client, job_id)["child_job_ids"]
    client.emulator.complete_job(one, probabilities={"0": 1.0})
    client.emulator.complete_job(two, probabilities={"1": 1.0})
    client.emulator.complete_job(job_id)
    results = _get(client, job_id)["results"]
    descriptor = results["ionq.result.probabilities-aggregate.json.v1"]
    answer = client("GET", f"/jobs/{job_id}/artifacts/{descriptor['id']}")
    assert answer.json() == {one: {"0": 1.0}, two: {"1": 1.0}}
    assert results["probabilities"] == {"url": f"/v0.4/jobs/{job_id}/results/probabilities/aggregated"}
    assert client("GET", f"/jobs/{job_id}/results/probabilities").status_code == 404
    assert client("GET", f"/jobs/{two}/results/probabilities").json() == {"1": 1.0}


def test_job_of_several_circuits_counts_once_towards_the_limit_of_its_session(client: Client) -> None:
    session_id = client.emulator.create_session(settings={"job_count_limit": 2})["id"]
    for status in ("started", "ended"):
        client.emulator.complete_job(_submit(client, **MANY, session_id=session_id))
        assert client.status(session_id) == status


def test_job_for_a_session_of_another_backend_gets_400(client: Client) -> None:
    session_id = client.emulator.create_session("qpu.forte-enterprise-1")["id"]
    answer = client("POST", "/jobs", json=BODY | {"session_id": session_id})
    assert answer.status_code == 400
    assert "is of qpu.forte-enterprise-1, not of qpu.forte-1" in answer.json()["message"]
    assert client.emulator.jobs() == []
    assert client.status(session_id) == "created"


def test_refused_job_uses_up_no_failure(client: Client) -> None:
    session_id = client.emulator.create_session()["id"]
    client.emulator.end_session(session_id)
    client.emulator.fail_next_job("TooManyGates")
    assert client("POST", "/jobs", json=BODY | {"session_id": session_id}).status_code == 400
    assert _get(client, _submit(client))["status"] == "failed"


def test_new_job_cannot_be_read_or_listed_for_a_while(run: Callable[..., Client], clock: Clock) -> None:
    client = run(clock=clock, read_after_write_seconds=5)
    job_id = _submit(client, **MANY)
    for method, path in (("GET", ""), ("GET", "/cost"), ("PUT", "/status/cancel"), ("DELETE", "")):
        assert client(method, f"/jobs/{job_id}{path}").status_code == 404
    assert client("GET", "/jobs").json()["jobs"] == []
    assert client("GET", f"/jobs?ids={job_id}").json()["jobs"] == []
    assert len(client.emulator.jobs()) == 3, "the test sees them"
    clock.now += 5
    assert client("GET", f"/jobs?ids={job_id}").json()["jobs"][0]["id"] == job_id
    assert len(client("GET", "/jobs").json()["jobs"]) == 3


CHANGES: list[dict[str, Any]] = [
    {},
    {"name": "copy", "metadata": {"a": "b"}, "shots": 7},
    {"dry_run": True},
    {"backend": "simulator", "noise": {"model": "forte-1"}},
    {"settings": {"error_mitigation": {"debiasing": False}}},
    {"name": None, "metadata": None},
]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("route", ["clone", "move"])
def test_copy_of_a_job_has_its_body_with_the_changes(client: Client, change: dict[str, Any], route: str) -> None:
    original = BODY | {"name": "n", "metadata": {"k": "v"}, "shots": 9, "dry_run": False}
    job_id = _submit(client, **original)
    answer = client("POST", f"/jobs/{job_id}/{route}", json=change)
    assert (answer.status_code, answer.json()["status"]) == (201, "submitted")
    assert answer.json()["id"] != job_id
    assert client.emulator.job_body(answer.json()["id"]) == original | change
    assert _get(client, job_id)["status"] == ("submitted" if route == "clone" else "canceled")


@pytest.mark.parametrize("route", ["clone", "move"])
@pytest.mark.parametrize(
    "change", [{"shots": 0}, {"backend": "qpu.none"}, {"metadata": {"k": 1}}, {"noise": {"model": "loud"}}, []]
)
def test_invalid_change_of_a_copy_gets_400(client: Client, route: str, change: Any) -> None:
    job_id = _submit(client)
    assert client("POST", f"/jobs/{job_id}/{route}", json=change).status_code == 400
    assert [job["status"] for job in client.emulator.jobs()] == ["submitted"]


def test_copy_for_an_ended_session_gets_400_and_moves_nothing(client: Client) -> None:
    session_id = client.emulator.create_session()["id"]
    job_id = _submit(client)
    client.emulator.end_session(session_id)
    for route in ("clone", "move"):
        assert client("POST", f"/jobs/{job_id}/{route}", json={"session_id": session_id}).status_code == 400
    assert [job["status"] for job in client.emulator.jobs()] == ["submitted"]


def test_ended_job_can_be_cloned_but_not_moved(client: Client) -> None:
    job_id = _submit(client)
    client.emulator.complete_job(job_id)
    assert client("POST", f"/jobs/{job_id}/clone", json={}).status_code == 201
    assert client("POST", f"/jobs/{job_id}/move", json={}).status_code == 400
    assert _get(client, job_id)["status"] == "completed"


def test_deleted_job_is_unknown_with_its_parts(client: Client) -> None:
    kept, deleted = _submit(client), _submit(client, **MANY)
    children = _get(client, deleted)["child_job_ids"]
    assert client("DELETE", f"/jobs/{deleted}").json() == {"id": deleted, "status": "deleted"}
    for job_id in (deleted, *children):
        for method, path in (("GET", ""), ("GET", "/cost"), ("PUT", "/status/cancel"), ("DELETE", "")):
            assert client(method, f"/jobs/{job_id}{path}").status_code == 404
    assert [job["id"] for job in client("GET", "/jobs").json()["jobs"]] == [kept]


def test_deleted_job_still_counts_towards_the_limit_of_its_session(client: Client) -> None:
    session_id = client.emulator.create_session(settings={"job_count_limit": 1})["id"]
    job_id = _submit(client, session_id=session_id)
    client("DELETE", f"/jobs/{job_id}")
    assert client.status(session_id) == "ended"
    assert client("GET", f"/sessions/{session_id}/jobs").json()["jobs"] == []


def test_session_can_be_deleted_after_one_of_its_jobs(client: Client) -> None:
    session_id = client.emulator.create_session()["id"]
    deleted = [_submit(client, **MANY, session_id=session_id) for _ in range(2)]
    kept = _submit(client)
    client("DELETE", f"/jobs/{deleted[0]}")
    client.emulator.delete_session(session_id)
    assert [job["id"] for job in client.emulator.jobs()] == [kept]


def test_part_of_a_job_can_be_cloned(client: Client) -> None:
    (_, two) = _get(client, _submit(client, **MANY))["child_job_ids"]
    answer = client("POST", f"/jobs/{two}/clone", json={"shots": 5})
    assert answer.status_code == 201
    shown = _get(client, answer.json()["id"])
    assert (shown["name"], shown["parent_job_id"], shown["shots"]) == ("two", None, 5)
    assert client.emulator.job_body(shown["id"])["input"] == {"gateset": "qis", "circuit": BELL["circuit"]}


def test_several_jobs_are_canceled_or_deleted_at_once(client: Client) -> None:
    one, two, three = (_submit(client) for _ in range(3))
    answer = client("PUT", "/jobs/status/cancel", json={"ids": [one, two]})
    assert (answer.status_code, answer.json()) == (200, {"ids": [one, two], "status": "canceled"})
    assert [job["status"] for job in client.emulator.jobs()] == ["canceled", "canceled", "submitted"]
    answer = client("DELETE", "/jobs", json={"ids": [two, three, two]})
    assert (answer.status_code, answer.json()) == (200, {"ids": [two, three, two], "status": "deleted"})
    assert [job["id"] for job in client.emulator.jobs()] == [one]


@pytest.mark.parametrize(("method", "path"), [("PUT", "/jobs/status/cancel"), ("DELETE", "/jobs")])
@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 400), ({"ids": "x"}, 400), ({"ids": [1]}, 400), ({"ids": [], "all": True}, 400), ([], 400), (None, 400)],
)
def test_invalid_list_of_ids_gets_400(client: Client, method: str, path: str, body: Any, status: int) -> None:
    assert client(method, path, json=body).status_code == status


@pytest.mark.parametrize(("method", "path"), [("PUT", "/jobs/status/cancel"), ("DELETE", "/jobs")])
def test_unknown_job_among_several_gets_404_and_nothing_happens(client: Client, method: str, path: str) -> None:
    job_id = _submit(client)
    assert client(method, path, json={"ids": [job_id, "missing"]}).status_code == 404
    assert _get(client, job_id)["status"] == "submitted"


def test_test_deletes_a_job(client: Client) -> None:
    one, two = _submit(client), _submit(client)
    client.emulator.delete_job(one)
    assert client.control("DELETE", f"/jobs/{two}").status_code == 204
    assert client.emulator.jobs() == []


def test_log_names_the_job(client: Client) -> None:
    job_id = client.emulator.submit_job(job_id="a/b")["id"]
    client("GET", "/jobs/a%2Fb/cost")
    client("GET", "/jobs/estimate?backend=simulator")
    assert [(request.route, request.job_id) for request in client.emulator.requests] == [
        ("GET /jobs/{job_id}/cost", job_id),
        ("GET /jobs/estimate", None),
    ]


def test_lost_answer_of_a_submission_leaves_a_job(client: Client) -> None:
    client.emulator.fail(500, route="POST /jobs", after_effect=True)
    assert client("POST", "/jobs", json=BODY | {"metadata": {"k": "v"}}).status_code == 500
    assert [job["metadata"] for job in client.emulator.jobs()] == [{"k": "v"}]


def test_many_jobs_of_one_session_are_listed_in_little_time(client: Client) -> None:
    session_id = client.emulator.create_session()["id"]
    ids = [client.emulator.submit_job(session_id)["id"] for _ in range(2000)]
    for start in range(0, 2000, 25):
        page = client("GET", "/jobs", params={"ids": ids[start : start + 25]}).json()
        assert [job["id"] for job in page["jobs"]] == ids[start : start + 25]
        assert page["next"] is None
