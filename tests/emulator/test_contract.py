"""Every reply is checked against IonQ's OpenAPI file, whose path is in the environment variable ``IONQ_OPENAPI``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.emulator.account_data import ORGANIZATION_ID
from airflow_provider_ionq.emulator.routes import API_ROUTES
from tests.emulator.conftest import BELL, BODY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.emulator.conftest import Client

Schema = dict[str, Any]

USAGE = f"/organizations/{ORGANIZATION_ID}/usage?start_date=2025-06-01&end_date=2025-06-30&group_by=job&modality=daily"
MANY = {
    "gateset": "qis",
    "qubits": 2,
    "circuits": [
        BELL | {"name": "bell"},
        {"circuit": [{"gate": "gpi", "target": 1, "phase": 0.5}], "gateset": "native"},
    ],
}
MITIGATED = {"error_mitigation": {"debiasing": True}, "compilation": {"opt": 1.0, "precision": "1E-3"}}
JOBS: dict[str, Schema] = {
    "one circuit": BODY,
    "one circuit with every option": BODY
    | {"name": "n", "metadata": {"k": "v"}, "shots": 500, "dry_run": False, "settings": MITIGATED},
    "one circuit on the simulator": BODY | {"backend": "simulator"},
    "one circuit with noise": BODY | {"backend": "simulator", "noise": {"model": "forte-1", "seed": 7}},
    "native gates": BODY
    | {"input": {"gateset": "native", "circuit": [{"gate": "zz", "targets": [0, 1], "angle": 0.1}]}},
    "several circuits": BODY | {"type": "ionq.multi-circuit.v1", "input": MANY},
    "OpenQASM 3": BODY | {"type": "ionq.qasm3.v1", "input": {"data": "OPENQASM 3.0; qubit q; h q;"}},
    "a dry run": BODY | {"dry_run": True},
    "a function": BODY | {"type": "quantum-function", "input": {"data": {}}},
    "a QAOA problem": BODY | {"type": "qctrl.qaoa.v1", "input": {}, "external_settings": {"api_credentials": "x"}},
}


# A format, and the name of its schema.
FORMATS = {
    "ionq.result.probabilities.json.v1": "IonqResultProbabilitiesJsonV1",
    "ionq.result.probabilities.json.v2": "IonqResultProbabilitiesJsonV2",
    "ionq.result.histogram.json.v1": "IonqResultHistogramJsonV1",
    "ionq.result.histogram.json.v2": "IonqResultHistogramJsonV2",
    "ionq.result.shots.json.v1": "IonqResultShotsJsonV1",
    "ionq.result.shots.json.v2": "IonqResultShotsJsonV2",
    "ionq.result.probabilities-aggregate.json.v1": "IonqResultProbabilitiesAggregateJsonV1",
}


@pytest.fixture
def client(client: Client) -> Client:
    """Run an emulator whose jobs describe their results only as the file does."""
    client.emulator.result_style = "artifacts"
    return client


@pytest.fixture(scope="module")
def spec() -> Schema:
    path = os.environ.get("IONQ_OPENAPI")
    if not path:
        pytest.skip("IONQ_OPENAPI does not name an OpenAPI file")
    yaml = pytest.importorskip("yaml")
    loaded: Schema = yaml.safe_load(Path(path).read_text())
    return loaded


def _resolved(spec: Schema, node: Schema) -> Schema:
    while "$ref" in node:
        target: Any = spec
        for name in node["$ref"].removeprefix("#/").split("/"):
            target = target[name]
        node = target
    # In this file allOf is only ever a reference that is made nullable or described.
    for part in node.get("allOf", []):
        node = _resolved(spec, part) | {name: value for name, value in node.items() if name != "allOf"}
    return node


def _faults(spec: Schema, schema: Schema, value: Any, where: str = "$") -> list[str]:
    """Return how a value differs from a schema of OpenAPI 3.0, closed unless the schema opens it."""
    schema = _resolved(spec, schema)
    if not schema:
        return []
    if value is None:
        return [] if schema.get("nullable") else [f"{where} is null"]
    if "anyOf" in schema:
        return min((_faults(spec, option, value, where) for option in schema["anyOf"]), key=len)
    kinds: dict[str | None, type | tuple[type, ...]] = {
        "object": dict,
        "array": list,
        "string": str,
        "boolean": bool,
        "integer": int,
        "number": (int, float),
        None: object,
    }
    kind = schema.get("type")
    if not isinstance(value, kinds[kind]) or (isinstance(value, bool) and kind in ("integer", "number")):
        return [f"{where} is {value!r}, not {kind}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{where} is {value!r}, not in {schema['enum']}"]
    faults = []
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        others = schema.get("additionalProperties", False)
        faults += [f"{where}.{name} is missing" for name in schema.get("required", []) if name not in value]
        # The usage report requires names that it does not describe.
        for name in value.keys() - properties.keys() - set(schema.get("required", [])):
            if others is False:
                faults.append(f"{where}.{name} is not in the schema")
            else:
                faults += _faults(spec, others, value[name], f"{where}.{name}")
        for name in value.keys() & properties.keys():
            faults += _faults(spec, properties[name], value[name], f"{where}.{name}")
    if isinstance(value, list):
        for index, item in enumerate(value):
            faults += _faults(spec, schema["items"], item, f"{where}[{index}]")
    return faults


def _operation(spec: Schema, route: str) -> Schema:
    method, path = route.split(" ")
    operation: Schema = spec["paths"][path.replace("{job_id}", "{UUID}").replace("{artifact_id}", "{artifactId}")][
        method.lower()
    ]
    return operation


def _reply_schema(spec: Schema, route: str, status: int) -> Schema:
    response = _resolved(spec, _operation(spec, route)["responses"][str(status)])
    schema: Schema = response["content"]["application/json"]["schema"]
    return schema


def test_every_route_is_in_the_file_and_says_whether_it_needs_a_key(spec: Schema) -> None:
    for route, served in API_ROUTES.items():
        if served.described:
            assert (_operation(spec, route).get("security") != []) == served.needs_key, route


def test_replies_of_all_routes_agree_with_the_file(spec: Schema, client: Client) -> None:
    limits = {"job_count_limit": 5, "duration_limit_min": 60, "cost_limit": {"unit": "usd", "value": 1.5}}
    emulator = client.emulator
    emulator.create_session(session_id="created")
    emulator.create_session(session_id="started", settings=limits)
    emulator.start_session("started")
    emulator.create_session(session_id="over", settings={})
    emulator.end_session("over")
    emulator.submit_job("started", name="bell", metadata={"dag": "d"}, job_id="completed")
    emulator.submit_job("started", job_id="failed")
    emulator.submit_job("started", job_id="open")
    emulator.submit_job(job_id="alone")
    results = emulator.complete_job("completed")["results"]
    artifact = results["ionq.result.probabilities.json.v1"]["id"]
    emulator.fail_job("failed")
    calls: list[tuple[str, str, Any]] = [
        ("GET /whoami", "/whoami", None),
        ("GET /backends", "/backends", None),
        ("GET /backends/{backend}", "/backends/qpu.forte-1", None),
        ("POST /sessions", "/sessions", {"backend": "qpu.forte-1"}),
        ("POST /sessions", "/sessions", {"backend": "simulator", "settings": limits}),
        ("GET /sessions", "/sessions", None),
        ("GET /sessions/{session_id}", "/sessions/created", None),
        ("GET /sessions/{session_id}", "/sessions/started", None),
        ("GET /sessions/{session_id}", "/sessions/over", None),
        ("POST /sessions/{session_id}/end", "/sessions/started/end", None),
        ("GET /sessions/{session_id}/jobs", "/sessions/created/jobs", None),
        ("GET /sessions/{session_id}/jobs", "/sessions/started/jobs", None),
        *(("POST /jobs", "/jobs", body) for body in JOBS.values()),
        ("GET /jobs", "/jobs", None),
        ("GET /jobs/{job_id}", "/jobs/completed", None),
        ("GET /jobs/{job_id}", "/jobs/failed", None),
        ("GET /jobs/{job_id}", "/jobs/open", None),
        ("GET /jobs/{job_id}/cost", "/jobs/completed/cost", None),
        ("GET /jobs/{job_id}/cost", "/jobs/open/cost", None),
        ("GET /jobs/{job_id}/results/probabilities", "/jobs/completed/results/probabilities?sharpen=true", None),
        ("GET /jobs/{job_id}/artifacts/{artifact_id}", f"/jobs/completed/artifacts/{artifact}", None),
        ("GET /jobs/estimate", "/jobs/estimate?backend=qpu.forte-1", None),
        ("GET /organizations/{organization_id}/usage", USAGE, None),
        ("POST /jobs/{job_id}/clone", "/jobs/open/clone", {"session_id": None, "dry_run": True}),
        ("POST /jobs/{job_id}/move", "/jobs/alone/move", {"backend": "simulator"}),
        ("PUT /jobs/{job_id}/status/cancel", "/jobs/open/status/cancel", None),
        ("PUT /jobs/status/cancel", "/jobs/status/cancel", {"ids": ["open", "failed"]}),
        ("DELETE /jobs/{job_id}", "/jobs/completed", None),
        ("DELETE /jobs", "/jobs", {"ids": ["open", "failed"]}),
    ]
    assert {route for route, _, _ in calls} == {route for route, served in API_ROUTES.items() if served.described}
    for route, path, body in calls:
        method = route.split(" ")[0]
        response = client(method, path, json=body)
        status = API_ROUTES[route].status
        assert response.status_code == status, route
        assert _faults(spec, _reply_schema(spec, route, status), response.json()) == [], route


@pytest.mark.parametrize("kind", JOBS)
def test_job_of_every_kind_agrees_with_the_file_in_every_status(spec: Schema, client: Client, kind: str) -> None:
    job_id = client("POST", "/jobs", json=JOBS[kind]).json()["id"]
    one, listed = (_reply_schema(spec, route, 200) for route in ("GET /jobs/{job_id}", "GET /jobs"))
    statuses = ["submitted", "ready", "started", "completed", "canceled"]
    for status in statuses:
        client.emulator.set_job_status(job_id, status)
        shown = client("GET", f"/jobs/{job_id}").json()
        assert shown["status"] == status
        assert _faults(spec, one, shown) == []
        assert _faults(spec, listed, client("GET", "/jobs").json()) == []
        for child in shown["child_job_ids"] or []:
            assert _faults(spec, one, client("GET", f"/jobs/{child}").json()) == []


def _descriptors(value: Any) -> Iterator[dict[str, str]]:
    """Yield every descriptor of an artifact in a job."""
    if isinstance(value, dict) and "media_type" in value:
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _descriptors(item)


@pytest.mark.parametrize("kind", ["one circuit", "several circuits", "one circuit with every option", "OpenQASM 3"])
def test_content_of_every_artifact_agrees_with_the_file(spec: Schema, client: Client, kind: str) -> None:
    job_id = client("POST", "/jobs", json=JOBS[kind]).json()["id"]
    client.emulator.complete_job(job_id)
    job = client("GET", f"/jobs/{job_id}").json()
    found = set()
    for shown in (job, *(client("GET", f"/jobs/{child}").json() for child in job["child_job_ids"] or [])):
        for descriptor in _descriptors(shown):
            content = client("GET", f"/jobs/{shown['id']}/artifacts/{descriptor['id']}").json()
            schema = spec["components"]["schemas"][FORMATS[descriptor["format"]]]
            assert _faults(spec, schema, content) == [], descriptor
            found.add(descriptor["format"])
    aggregate = "ionq.result.probabilities-aggregate.json.v1"
    assert found == set(FORMATS) - (set() if kind == "several circuits" else {aggregate})


@pytest.mark.parametrize(
    ("method", "path", "body", "key", "status", "name"),
    [
        ("POST", "/sessions", {}, "emulator-key", 400, "BadRequest"),
        ("GET", "/sessions?active=x", None, "emulator-key", 400, "BadRequest"),
        ("GET", "/whoami", None, "wrong", 401, "Unauthorized"),
        ("GET", "/sessions/x", None, "emulator-key", 404, "NotFound"),
        ("GET", "/jobs/x", None, "emulator-key", 404, "NotFound"),
        ("POST", "/jobs", {"type": "ionq.circuit.v1"}, "emulator-key", 400, "BadRequest"),
    ],
)
def test_error_bodies_agree_with_the_file(
    spec: Schema, client: Client, method: str, path: str, body: Any, key: str, status: int, name: str
) -> None:
    response = client(method, path, json=body, key=key)
    assert response.status_code == status
    described = spec["components"]["responses"][name]["content"]["application/json"]
    assert _faults(spec, described["schema"], response.json()) == []
    example = described["example"]
    assert response.json()["error"] == example["error"]
    assert set(response.json()) == set(example)


def test_checker_reports_invalid_jobs(spec: Schema, client: Client) -> None:
    job = client.emulator.submit_job()
    schema = spec["components"]["schemas"]["BaseJob"]
    codes = spec["components"]["schemas"]["Failure"]["properties"]["code"]["enum"]
    del job["stats"]
    job |= {"status": "queued", "metadata": {"count": 1}, "failure": {"code": "Bored"}, "cost": 5}
    assert sorted(_faults(spec, schema, job)) == [
        "$.cost is not in the schema",
        f"$.failure.code is 'Bored', not in {codes}",
        "$.failure.message is missing",
        "$.metadata.count is 1, not string",
        "$.stats is missing",
        "$.status is 'queued', not in ['submitted', 'ready', 'started', 'canceled', 'failed', 'completed']",
    ]


def test_checker_reports_invalid_replies(spec: Schema, client: Client) -> None:
    session = client.emulator.create_session()
    schema = spec["components"]["schemas"]["Session"]
    del session["ender_id"]
    session |= {"status": "paused", "active": "yes", "created_at": None, "name": "x"}
    assert sorted(_faults(spec, schema, session)) == [
        "$.active is 'yes', not boolean",
        "$.created_at is null",
        "$.ender_id is missing",
        "$.name is not in the schema",
        "$.status is 'paused', not in ['created', 'started', 'ended']",
    ]
