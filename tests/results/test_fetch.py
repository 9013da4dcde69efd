"""Read the results of jobs by the hook, against prepared answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.api.errors import IonQApiError, IonQGoneError, IonQNotFoundError, IonQResultsError
from airflow_provider_ionq.circuits.layout import LAYOUTS_KEY, CircuitLayout
from airflow_provider_ionq.hooks.ionq import IonQHook
from airflow_provider_ionq.results.fetch import fetch_results
from airflow_provider_ionq.results.wanted import Wanted
from tests.results.service import FORMATS, STYLES, URL, Service, with_layouts
from tests.support.facts import facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from requests_mock import Mocker

pytestmark = pytest.mark.one_airflow

CROSSED = CircuitLayout(3, (("a", (2, 0)), ("b", (1,))), "qiskit")
LONG = CircuitLayout(36, tuple((f"a_register_with_a_long_name_{at:03}", (at % 36,)) for at in range(150)), "qiskit")


@pytest.fixture(autouse=True)
def _connection(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = {"conn_type": "ionq", "password": "key", "extra": {"max_retries": 0}}
    monkeypatch.setenv("AIRFLOW_CONN_IONQ_DEFAULT", json.dumps(connection))


@pytest.fixture(params=STYLES)
def service(request: pytest.FixtureRequest, requests_mock: Mocker) -> Service:
    return Service(requests_mock, request.param)


def circuit_of(results: Any) -> Any:
    (circuit,) = results["circuits"]
    return circuit


HISTOGRAM = {"1": 60, "6": 40}
SHOTS = ["1", "6", "1", "1", "6"]
PROBABILITIES = {"1": 0.6, "6": 0.4}


def test_histogram_is_read_first(service: Service) -> None:
    service.add(results={"probabilities": {"0": 1}, "histogram": HISTOGRAM, "shots": SHOTS}, stats={"qubits": 3})
    assert IonQHook().get_results("j-1") == {
        "job_id": "j-1",
        "status": "completed",
        "type": "ionq.circuit.v1",
        "circuits": [
            {
                "name": None,
                "job_id": "j-1",
                "status": "completed",
                "failure": None,
                "qubits": 3,
                "shots": 100,
                "probabilities": {"001": 0.6, "110": 0.4},
                "counts": {"001": 60, "110": 40},
                "registers": {},
                "bit_order": "little-endian",
                "kind": "measured",
                "format": "ionq.result.histogram.json.v1",
                "source": "ionq",
            }
        ],
    }
    assert len(service.requests) == 2


def test_shots_are_read_in_place_of_the_histogram_if_they_are_wanted(service: Service) -> None:
    service.add(results={"histogram": HISTOGRAM, "shots": SHOTS}, stats={"qubits": 3}, name="x")
    circuit = circuit_of(IonQHook().get_results("j-1", content=["counts", "shots"]))
    assert circuit["samples"] == ["001", "110", "001", "001", "110"]
    assert circuit["counts"] == {"001": 3, "110": 2}
    assert circuit["shots"] == 5
    assert circuit["name"] == "x"
    assert "probabilities" not in circuit
    assert len(service.requests) == 2


def test_shots_are_counted_without_a_histogram(service: Service) -> None:
    service.add(results={"probabilities": PROBABILITIES, "shots": SHOTS})
    circuit = circuit_of(IonQHook().get_results("j-1"))
    assert circuit["counts"] == {"001": 3, "110": 2}
    assert circuit["kind"] == "measured"
    assert "samples" not in circuit


def test_counts_are_derived_from_probabilities_alone(service: Service) -> None:
    service.add(results={"probabilities": {"0": 1 / 3, "1": 1 / 3, "2": 1 / 3}}, stats={"qubits": 2}, shots=100)
    circuit = circuit_of(IonQHook().get_results("j-1", content=["counts", "shots"]))
    assert circuit["counts"] == {"00": 34, "01": 33, "10": 33}
    assert circuit["kind"] == "derived"
    assert circuit["format"] == "ionq.result.probabilities.json.v1"
    assert circuit["shots"] == 100
    assert "samples" not in circuit


def test_number_of_shots_of_the_ideal_simulator_is_the_callers(requests_mock: Mocker) -> None:
    Service(requests_mock).add(results={"probabilities": {"0": 0.5, "3": 0.5}})
    assert circuit_of(IonQHook().get_results("j-1", shots=7))["counts"] == {"00": 4, "11": 3}
    circuit = circuit_of(IonQHook().get_results("j-1"))
    assert circuit["shots"] is None
    assert "counts" not in circuit
    contents: list[tuple[Any, str]] = [
        (["counts"], "no counts | shots | probabilities"),
        (["counts", "shots"], "no counts or shots | probabilities"),
        (["shots"], "no shots | counts or probabilities"),
    ]
    for content, problem in contents:
        with pytest.raises(IonQResultsError, match=facts(f"j-1 | {problem}")) as refused:
            IonQHook().get_results("j-1", content=content)
        assert not refused.value.retryable


@pytest.mark.parametrize("results", [None, {}, {"probabilities": {}}, {FORMATS["histogram"]: None, "new": 5}, [1]])
def test_probabilities_are_requested_without_a_descriptor(requests_mock: Mocker, results: Any) -> None:
    service = Service(requests_mock)
    service.add()["results"] = results
    requests_mock.get(f"{URL}/jobs/j-1/results/probabilities", json=PROBABILITIES)
    assert circuit_of(IonQHook().get_results("j-1"))["probabilities"] == {"001": 0.6, "110": 0.4}


@pytest.mark.parametrize(
    ("layout", "expected", "order"),
    [
        (CROSSED, {"0 10": 60, "1 01": 40}, "little-endian"),
        (CircuitLayout(3, CROSSED.registers, "cirq"), {"01 0": 60, "10 1": 40}, "big-endian"),
        (CircuitLayout(3, (), "cirq"), {"100": 60, "011": 40}, "big-endian"),
        (CircuitLayout(4, (), "qiskit"), {"0001": 60, "0110": 40}, "little-endian"),
    ],
)
def test_bits_are_those_of_the_circuit(
    service: Service, layout: CircuitLayout, expected: dict[str, int], order: str
) -> None:
    service.add(results={"histogram": HISTOGRAM}, metadata=with_layouts(layout), stats={"qubits": 25})
    circuit = circuit_of(IonQHook().get_results("j-1"))
    assert circuit["counts"] == expected
    assert circuit["bit_order"] == order
    assert circuit["source"] == layout.source
    assert circuit["qubits"] == layout.qubits
    assert list(circuit["registers"]) == [name for name, _ in layout.registers]
    if layout is CROSSED:
        assert circuit["registers"]["a"]["counts"] == {"01": 40, "10": 60}
        assert circuit["registers"]["b"] == {"counts": {"0": 60, "1": 40}, "probabilities": {"0": 0.6, "1": 0.4}}


BELL = CircuitLayout(2, (("c", (1, 0)),), "qiskit")


def test_circuits_are_in_the_order_of_submission_each_with_its_registers(service: Service) -> None:
    metadata = with_layouts(BELL, None, CROSSED)
    service.add_several(
        [
            {"name": "first", "probabilities": {"1": 1}, "stats": {"qubits": 2}},
            {"name": "second", "probabilities": {"2": 0.25, "0": 0.75}, "stats": {"qubits": 3}, "shots": 8},
            {"name": "third", "probabilities": {"6": 1}, "stats": {"qubits": 3}},
        ],
        metadata=metadata,
        shots=4,
        stats={"qubits": 3},
    )
    results = IonQHook().get_results("p-1")
    assert [circuit["name"] for circuit in results["circuits"]] == ["first", "second", "third"]
    assert [circuit["job_id"] for circuit in results["circuits"]] == ["c-0", "c-1", "c-2"]
    assert [circuit["counts"] for circuit in results["circuits"]] == [{"10": 4}, {"000": 6, "010": 2}, {"1 01": 4}]
    assert [circuit["kind"] for circuit in results["circuits"]] == ["derived"] * 3
    assert len(service.requests) == 3


def test_fifty_circuits_take_one_result_and_two_lists(requests_mock: Mocker) -> None:
    service = Service(requests_mock)
    service.add_several([{"probabilities": {str(at): 1}, "shots": 1} for at in range(50)])
    results = IonQHook().get_results("p-1")
    assert [list(circuit["counts"]) for circuit in results["circuits"]] == [[f"{at:b}"] for at in range(50)]
    assert sorted(service.requests) == ["/jobs", "/jobs", "/jobs/p-1", "/jobs/p-1/artifacts/results-aggregate"]


def test_shots_of_several_circuits_are_those_of_their_jobs(service: Service) -> None:
    service.add_several(
        [
            {"probabilities": {"0": 1}, "results": {"shots": ["1", "0"], "histogram": HISTOGRAM}},
            {"probabilities": {"1": 1}},
        ],
        shots=2,
    )
    first, second = IonQHook().get_results("p-1", content=["shots", "counts"])["circuits"]
    assert first["samples"] == ["1", "0"]
    assert first["kind"] == "measured"
    assert "samples" not in second
    assert second["counts"] == {"1": 2}


def test_circuit_that_is_not_in_the_aggregate_is_read_alone(service: Service) -> None:
    service.add_several([{"results": {"histogram": HISTOGRAM}}, {"probabilities": {"1": 1}, "shots": 1}])
    first, second = IonQHook().get_results("p-1")["circuits"]
    assert first["counts"] == {"001": 60, "110": 40}
    assert second["counts"] == {"1": 1}


FAILURE = {"code": "InternalError", "message": "it broke"}


def test_failed_circuits_are_named(service: Service) -> None:
    service.add_several(
        [
            {"probabilities": {"0": 1}},
            {"name": "b", "status": "failed", "failure": FAILURE},
            {"status": "canceled", "stats": {"qubits": 4}},
        ]
    )
    said = "p-1 | 2 of its 3 | 2 'b' | c-1 | failed | InternalError: it broke | circuit 3 | c-2 | canceled"
    with pytest.raises(IonQResultsError, match=facts(f"{said} | fail_on_partial_error=False")) as failed:
        IonQHook().get_results("p-1")
    assert not failed.value.retryable
    assert failed.value.job_id == "p-1"
    circuits: Any = IonQHook().get_results("p-1", fail_on_partial_error=False)["circuits"]
    assert circuits[0]["probabilities"] == {"0": 1}
    assert circuits[1] == {"name": "b", "job_id": "c-1", "status": "failed", "failure": FAILURE, "qubits": 0}
    assert circuits[2]["status"] == "canceled"
    assert circuits[2]["qubits"] == 4
    assert "probabilities" not in circuits[2]


def test_circuit_that_still_runs_is_worth_a_retry(requests_mock: Mocker) -> None:
    Service(requests_mock).add_several([{"status": "started"}, {"probabilities": {"0": 1}}])
    with pytest.raises(IonQResultsError, match=facts("c-0 | started")) as failed:
        IonQHook().get_results("p-1")
    assert failed.value.retryable


def test_circuits_of_a_failed_job_can_be_read(requests_mock: Mocker) -> None:
    service = Service(requests_mock)
    service.add_several(
        [{"status": "failed"}, {"results": {"histogram": HISTOGRAM}}], status="failed", failure=FAILURE, results=None
    )
    with pytest.raises(IonQResultsError, match=facts("p-1 | no results | failed | InternalError")) as failed:
        IonQHook().get_results("p-1")
    assert not failed.value.retryable
    circuits: Any = IonQHook().get_results("p-1", fail_on_partial_error=False)["circuits"]
    assert circuits[1]["shots"] == 100


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"child_job_ids": None}, "child_job_ids | list of ids | None"),
        ({"child_job_ids": []}, "child_job_ids | list of ids"),
        ({"child_job_ids": [5]}, "child_job_ids | list of ids | 5"),
        ({"child_job_ids": ["c-0", "c-0"]}, "child_job_ids | more than once | c-0"),
        ({"child_job_ids": ["c-0", "c-0", "x-1", "x-1"]}, "child_job_ids | more than once | c-0, x-1"),
        ({"child_job_ids": ["c-0", "x-1"]}, "child_job_ids | not its circuits | x-1"),
        ({"child_job_ids": ["c-0", "c-9"]}, "not list | c-9"),
        ({"metadata": with_layouts(BELL, None, BELL)}, "3 circuits | 1"),
        ({"metadata": {LAYOUTS_KEY: "{}"}}, "'airflow_circuits' | invalid"),
        ({"results": {"aggregate": [1]}}, "aggregate | not an object"),
        ({"results": {"aggregate": {"c-0": {"9": 1}}}}, "circuit 1 | c-0 | state 9 | 2 qubits"),
        ({"results": {"aggregate": {"c-0": {"0": 0.2}}}}, "circuit 1 | c-0 | sum | 0.2"),
    ],
)
def test_broken_job_of_several_circuits_is_named(service: Service, fields: dict[str, Any], problem: str) -> None:
    service.add_several([{"stats": {"qubits": 2}}])
    service.add("x-1", parent_job_id="p-9")
    del service.jobs["p-1"]
    service.add("p-1", type="ionq.multi-circuit.v1", **{"child_job_ids": ["c-0"], **fields})
    with pytest.raises(IonQResultsError, match=facts(f"p-1 | cannot be read | {problem}")) as broken:
        IonQHook().get_results("p-1")
    assert broken.value.retryable


def test_circuits_in_another_order_than_submitted_are_refused(requests_mock: Mocker) -> None:
    service = Service(requests_mock)
    job: Any = service.add_several([{"name": name, "probabilities": {"0": 1}} for name in ("b", "a", None)])
    client = IonQHook().get_conn()
    with pytest.raises(IonQResultsError, match=facts("order of the circuits | 1 | b | a")):
        fetch_results(client, job, Wanted(names=["a", "b", "c"]))
    # Names that are not unique, or that the API does not return, tell nothing.
    for names in (["b", "a", "c"], ["x", "y", "z"], ["a", "a", None], ["a"], None):
        assert len(fetch_results(client, job, Wanted(names=names))["circuits"]) == 3


def test_circuit_can_be_read_by_the_id_of_its_own_job(requests_mock: Mocker) -> None:
    service = Service(requests_mock)
    service.add_several(
        [{"probabilities": {"0": 1}}, {"results": {"histogram": HISTOGRAM}}], metadata=with_layouts(BELL, CROSSED)
    )
    circuit = circuit_of(IonQHook().get_results("c-1"))
    assert circuit["counts"] == {"0 10": 60, "1 01": 40}


@pytest.mark.parametrize("ids", [None, [], ["c-0"], "c-1"])
def test_circuit_of_a_job_that_does_not_list_it_is_read_in_the_order_of_its_qubits(service: Service, ids: Any) -> None:
    parts: list[dict[str, Any]] = [{}, {"results": {"histogram": HISTOGRAM}, "stats": {"qubits": 3}}]
    service.add_several(parts, metadata=with_layouts(BELL, CROSSED))["child_job_ids"] = ids
    circuit = circuit_of(IonQHook().get_results("c-1"))
    assert circuit["counts"] == {"001": 60, "110": 40}


@pytest.mark.parametrize(("histogram", "qubits"), [({"0": 1}, 1), ({"1": 3, "4": 1}, 3)])
def test_number_of_qubits_that_a_job_does_not_have_is_that_of_its_states(
    service: Service, histogram: dict[str, int], qubits: int
) -> None:
    service.add(results={"histogram": histogram})
    assert circuit_of(IonQHook().get_results("j-1"))["qubits"] == qubits
    service.add("j-2", results={"histogram": histogram}, stats={"qubits": 5})
    assert circuit_of(IonQHook().get_results("j-2"))["qubits"] == 5


QASM: dict[str, Any] = {"type": "ionq.qasm3.v1", "stats": {"qubits": 3}}
REGISTER_SHOTS = {
    "shots": [
        {"registers": {"b": [0], "a": [0, 1], "output_all": [1, 0, 0]}},
        {"registers": {"b": [1], "a": [1, 0], "output_all": [0, 1, 1]}, "leakage_bits": [0, 1, 0]},
        {"registers": {"b": [1], "a": [1, 0], "output_all": [0, 1, 1]}, "leakage_bits": [0, 0, 0]},
    ]
}


@pytest.mark.parametrize("layout", [CROSSED, None])
def test_registers_of_openqasm_are_read_from_shots(service: Service, layout: CircuitLayout | None) -> None:
    metadata = None if layout is None else with_layouts(layout)
    results = {"probabilities": {"0": 1}, "histogram": {"0": 3}, "register_shots": REGISTER_SHOTS}
    service.add(results=results, metadata=metadata, shots=3, **QASM)
    circuit = circuit_of(IonQHook().get_results("j-1", content=["counts", "shots"]))
    assert circuit["counts"] == {"0 10": 1, "1 01": 1}
    assert circuit["samples"] == ["0 10", "1 01"]
    assert circuit["shots"] == 2
    assert circuit["registers"] == {"a": {"counts": {"01": 1, "10": 1}}, "b": {"counts": {"0": 1, "1": 1}}}
    assert circuit["format"] == "ionq.result.shots.json.v2"
    assert circuit["source"] == ("openqasm" if layout is None else "qiskit")
    assert circuit["qubits"] == 3


def test_openqasm_without_shots_is_read_by_qubit(service: Service) -> None:
    service.add(results={"probabilities": PROBABILITIES}, metadata=with_layouts(CROSSED), **QASM)
    assert circuit_of(IonQHook().get_results("j-1"))["probabilities"] == {"0 10": 0.6, "1 01": 0.4}
    service.add(results={"probabilities": PROBABILITIES}, **QASM)
    circuit = circuit_of(IonQHook().get_results("j-1"))
    assert circuit["probabilities"] == {"001": 0.6, "110": 0.4}
    assert circuit["source"] == "openqasm"
    assert circuit["registers"] == {}


def test_lost_names_of_registers_are_explained(requests_mock: Mocker) -> None:
    shots = {"shots": [{"registers": {"c0": [0, 1], "c1": [0]}}]}
    Service(requests_mock).add(results={"register_shots": shots}, metadata=with_layouts(CROSSED), **QASM)
    with pytest.raises(IonQResultsError, match="no register 'b', but there are c0, c1.*service_version"):
        IonQHook().get_results("j-1")


@pytest.mark.parametrize("shots", [{}, {"shots": 5}, [], "x"])
def test_shots_that_are_none_are_refused(requests_mock: Mocker, shots: Any) -> None:
    Service(requests_mock).add(results={"register_shots": shots}, **QASM)
    with pytest.raises(IonQResultsError, match="The results of job j-1 cannot be read: GET .* shots"):
        IonQHook().get_results("j-1")


def add_debiased(service: Service, job_id: str = "j-1", **fields: Any) -> None:
    average = {"histogram": {"registers": {"output_all": {"001": 90, "110": 10}}}}
    variant = service.described(job_id, {"histogram": {"1": 7, "6": 3}, "shots": SHOTS}, "variants/v-1/results")
    output = {
        "error_mitigation": {
            "debiasing": {"variants": [{"variant_id": "v-1", "qubit_map": [4, 2, 1], "shots": 10, "results": variant}]},
            "aggregations": {"average": service.described(job_id, {"aggregation": average})[FORMATS["aggregation"]]},
        }
    }
    service.add(job_id, results={"histogram": HISTOGRAM}, output=output, metadata=with_layouts(CROSSED), **fields)


def test_aggregation_is_left_in_the_order_of_ionq(service: Service) -> None:
    add_debiased(service)
    circuit = circuit_of(IonQHook().get_results("j-1", aggregation="average"))
    assert circuit["counts"] == {"001": 90, "110": 10}
    assert circuit["bit_order"] == "undocumented"
    assert circuit["registers"] == {}
    assert circuit["format"] == "ionq.result.histogram.json.v2"


def test_variant_is_read_in_the_registers_of_the_circuit(service: Service) -> None:
    add_debiased(service)
    circuit = circuit_of(IonQHook().get_results("j-1", variant="v-1"))
    assert circuit["counts"] == {"0 10": 7, "1 01": 3}
    circuit = circuit_of(IonQHook().get_results("j-1", variant="v-1", content=["shots"]))
    assert circuit["samples"][:2] == ["0 10", "1 01"]
    assert circuit["shots"] == 5


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"aggregation": "voting"}, "j-1 | aggregation 'voting' | average"),
        ({"variant": "v-2"}, "j-1 | variant 'v-2' | v-1"),
    ],
)
def test_mitigation_that_a_job_does_not_have_is_named(
    service: Service, arguments: dict[str, Any], problem: str
) -> None:
    add_debiased(service)
    service.add("j-2", results={"histogram": HISTOGRAM})
    with pytest.raises(IonQResultsError, match=facts(problem)) as refused:
        IonQHook().get_results("j-1", **arguments)
    assert not refused.value.retryable
    with pytest.raises(IonQResultsError, match=facts("j-2 | not debiased")):
        IonQHook().get_results("j-2", **arguments)


def test_job_from_a_list_is_read_again_if_it_lacks_what_is_needed(requests_mock: Mocker) -> None:
    service = Service(requests_mock)
    job = service.add_several([{"probabilities": {"0": 1}, "shots": 1}])
    listed: Any = {name: value for name, value in job.items() if name != "child_job_ids"}
    assert fetch_results(IonQHook().get_conn(), listed, Wanted())["circuits"][0]["counts"] == {"0": 1}
    single = service.add(results={"histogram": HISTOGRAM})
    early: Any = {**single, "results": None}
    assert circuit_of(fetch_results(IonQHook().get_conn(), early, Wanted()))["shots"] == 100
    assert [request for request in service.requests if request in ("/jobs/p-1", "/jobs/j-1")] == [
        "/jobs/p-1",
        "/jobs/j-1",
    ]


@pytest.mark.parametrize("job_type", ["quantum-function", "qctrl.qaoa.v1"])
def test_inline_results_are_returned_as_they_are(requests_mock: Mocker, job_type: str) -> None:
    service = Service(requests_mock)
    service.add(type=job_type)["results"] = {"value": -1.25, "variance": 0.01}
    results = IonQHook().get_results("j-1")
    assert results["circuits"] == []
    assert results["inline"] == {"value": -1.25, "variance": 0.01}
    assert service.requests == ["/jobs/j-1"]


@pytest.mark.parametrize("results", [None, 5, []])
def test_inline_results_that_are_missing_are_worth_a_retry(requests_mock: Mocker, results: Any) -> None:
    Service(requests_mock).add(type="quantum-function")["results"] = results
    with pytest.raises(IonQResultsError, match=facts("j-1 | cannot be read | object")) as failed:
        IonQHook().get_results("j-1")
    assert failed.value.retryable


@pytest.mark.parametrize(
    ("fields", "problem", "retryable"),
    [
        ({"status": "ready"}, "no results yet | ready", True),
        ({"status": 5}, "no results yet | 5", True),
        ({"status": "failed", "failure": FAILURE}, "no results | failed | InternalError", False),
        ({"status": "canceled"}, "no results | canceled", False),
        ({"dry_run": True}, "dry run", False),
    ],
)
def test_job_without_results_is_named(
    requests_mock: Mocker, fields: dict[str, Any], problem: str, retryable: bool
) -> None:
    Service(requests_mock).add(**fields)
    with pytest.raises(IonQResultsError, match=facts(f"j-1 | {problem}")) as refused:
        IonQHook().get_results("j-1")
    assert refused.value.retryable is retryable


@pytest.mark.parametrize("style", ["artifacts", "urls", None])
@pytest.mark.parametrize(
    ("status", "error_class", "advice"),
    [
        (404, IonQNotFoundError, "not there yet | deleted"),
        (410, IonQGoneError, "no longer"),
        (401, IonQApiError, "API key"),
        (503, IonQApiError, "503"),
    ],
)
def test_result_that_is_not_there_names_the_paid_job(
    requests_mock: Mocker, style: str | None, status: int, error_class: type[Exception], advice: str
) -> None:
    service = Service(requests_mock, style or "artifacts")
    service.add(results=None if style is None else {"histogram": HISTOGRAM})
    path = {"artifacts": "artifacts/results-histogram", "urls": "results/histogram", None: "results/probabilities"}
    requests_mock.get(f"{URL}/jobs/j-1/{path[style]}", status_code=status, json={"message": "no"})
    requests_mock.get(f"{URL}/whoami", json={"key_id": "k", "key_name": "n"})
    said = facts(f"j-1 | cannot be read | GET | {advice} | completed and paid")
    with pytest.raises(IonQResultsError, match=said) as failed:
        IonQHook().get_results("j-1")
    # Only what is gone stays so.
    assert failed.value.retryable is (status != 410)
    assert isinstance(failed.value.reason, error_class)
    assert failed.value.__cause__ is None


FOREIGN_URLS = [
    "https://elsewhere.example/v0.4/jobs/j-1/results/histogram",
    "//elsewhere.example/v0.4/jobs/j-1/results/histogram",
    "http://api.ionq.co/v0.4/jobs/j-1/results/histogram",
    "https://user@api.ionq.co/v0.4/jobs/j-1/results/histogram",
    "/v0.4/jobs/j-2/results/histogram",
    "/v0.4/jobs/j-1/../j-2/results/histogram",
    "/v0.4/jobs/j-1/%2e%2e/j-2/results/histogram",
    "/v0.4/jobs/j-1/..%2Fj-2",
    "/v0.4/jobs/j-1\\results",
    "/v0.4/jobs/j-1",
    "/v0.4/jobs/j-1/",
    "/v0.4/jobs/j-1/results//x",
    "/v0.3/jobs/j-1/results/histogram",
    "jobs/j-1/results/histogram",
    "https://[",
]


@pytest.mark.parametrize("url", FOREIGN_URLS)
def test_key_is_sent_only_to_the_job_at_the_address_of_the_connection(requests_mock: Mocker, url: str) -> None:
    service = Service(requests_mock)
    service.add()["results"] = {"histogram": {"url": url}}
    with pytest.raises(IonQResultsError, match=facts("URL | j-1 | not one of this job")):
        IonQHook().get_results("j-1")
    assert service.requests == ["/jobs/j-1"]


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("https://api.ionq.co/v0.4", "https://api.ionq.co/v0.4/jobs/j-1/results/histogram"),
        ("https://api.ionq.co/v0.4", "/v0.4/jobs/j-1/results/histogram?sharpen=true"),
        ("https://gateway.example/ionq/v0.4", "/v0.4/jobs/j-1/results/histogram"),
        ("https://gateway.example/ionq/v0.4", "/ionq/v0.4/jobs/j-1/results/histogram"),
    ],
)
def test_url_of_a_result_is_joined_to_the_address(
    requests_mock: Mocker, monkeypatch: pytest.MonkeyPatch, host: str, url: str
) -> None:
    connection = {"conn_type": "ionq", "password": "key", "host": host}
    monkeypatch.setenv("AIRFLOW_CONN_IONQ_DEFAULT", json.dumps(connection))
    job = {"id": "j-1", "status": "completed", "type": "ionq.circuit.v1", "results": {"histogram": {"url": url}}}
    requests_mock.get(f"{host}/jobs/j-1", json=job)
    result = requests_mock.get(f"{host}/jobs/j-1/results/histogram", json=HISTOGRAM)
    assert circuit_of(IonQHook().get_results("j-1"))["counts"] == {"001": 60, "110": 40}
    assert result.last_request is not None
    assert result.last_request.query == ("sharpen=true" if "?" in url else "")


def program(layout: CircuitLayout | None) -> dict[str, Any]:
    stored = {} if layout is None else {"layout": layout.as_json()}
    return {"gateset": "qis", "qubits": 36 if layout is None else layout.qubits, "circuit": [], **stored}


def test_registers_that_are_too_long_for_the_metadata_are_those_of_the_program(requests_mock: Mocker) -> None:
    metadata = with_layouts(LONG)
    assert metadata[LAYOUTS_KEY].startswith("sha256:")
    Service(requests_mock).add(results={"histogram": HISTOGRAM}, metadata=metadata)
    with pytest.raises(IonQResultsError, match=facts("j-1 | registers | `program`")) as refused:
        IonQHook().get_results("j-1")
    assert not refused.value.retryable
    circuit = circuit_of(IonQHook().get_results("j-1", program=program(LONG)))
    assert circuit["registers"]["a_register_with_a_long_name_001"]["counts"] == {"0": 60, "1": 40}


@pytest.mark.parametrize(
    ("stored", "given", "problem"),
    [
        (LONG, program(BELL), "j-1 | program | not the one"),
        (BELL, program(CROSSED), "j-1 | program | not the one"),
        (BELL, program(None), "j-1 | program | not the one"),
        (BELL, [program(BELL)] * 2, "j-1 | 1 circuits | program | 2"),
    ],
)
def test_program_of_another_job_is_refused(
    requests_mock: Mocker, stored: CircuitLayout, given: Any, problem: str
) -> None:
    Service(requests_mock).add(results={"histogram": HISTOGRAM}, metadata=with_layouts(stored))
    with pytest.raises(IonQResultsError, match=facts(problem)) as refused:
        IonQHook().get_results("j-1", program=given)
    assert not refused.value.retryable


def test_program_gives_the_registers_of_a_job_without_them(requests_mock: Mocker) -> None:
    service = Service(requests_mock)
    service.add(results={"histogram": {"1": 4}})
    assert circuit_of(IonQHook().get_results("j-1", program=program(BELL)))["counts"] == {"10": 4}
    service.add_several([{"probabilities": {"1": 1}, "shots": 1}, {"probabilities": {"1": 1}, "shots": 1}])
    circuits: Any = IonQHook().get_results("p-1", program=[program(BELL), program(None)])["circuits"]
    assert [list(circuit["counts"]) for circuit in circuits] == [["10"], ["1"]]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"content": "counts"}, "content | probabilities, counts, shots | 'counts'"),
        ({"content": []}, "content | probabilities, counts, shots | []"),
        ({"content": ["histogram"]}, "content | probabilities, counts, shots | 'histogram'"),
        ({"aggregation": "mean"}, "aggregation | average, voting, dnl, majority | mean"),
        ({"aggregation": "average", "variant": "v-1"}, "aggregation | variant | exclude"),
        ({"program": 5}, "program | circuit"),
        ({"program": {"circuit": [], "layout": 5}}, "layout | invalid | 5"),
    ],
)
def test_invalid_argument_is_refused_before_any_request(
    requests_mock: Mocker, arguments: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ValueError, match=facts(problem)):
        IonQHook().get_results("j-1", **arguments)
    assert requests_mock.call_count == 0


@pytest.mark.parametrize("form", [lambda job: job["id"], lambda job: job, repr, json.dumps])
def test_job_is_named_by_its_id_or_its_json(requests_mock: Mocker, form: Callable[[Any], Any]) -> None:
    job = Service(requests_mock).add(results={"histogram": HISTOGRAM}, status="completed")
    # The JSON may be older than the results.
    assert IonQHook().get_results(form({**job, "status": "ready", "results": None}))["job_id"] == "j-1"
