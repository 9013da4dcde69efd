"""What the results of a job are, and where they can be read."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.emulator import Emulator
from tests.emulator.conftest import BELL, BODY
from tests.support.facts import facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Client

P1, P2 = "ionq.result.probabilities.json.v1", "ionq.result.probabilities.json.v2"
H1, H2 = "ionq.result.histogram.json.v1", "ionq.result.histogram.json.v2"
S1, S2 = "ionq.result.shots.json.v1", "ionq.result.shots.json.v2"
AGGREGATE = "ionq.result.probabilities-aggregate.json.v1"
IDEAL = {"backend": "simulator"}
NOISY = {"backend": "simulator", "noise": {"model": "aria-1"}}
# Qubit 0 is 1, qubit 1 is 0, qubit 2 is random.
SKEWED = {"gateset": "qis", "qubits": 3, "circuit": [{"gate": "x", "target": 0}, {"gate": "h", "target": 2}]}


def _x(qubit: int, **more: Any) -> dict[str, Any]:
    return {"circuit": [{"gate": "x", "target": qubit}]} | more


def _many(*circuits: dict[str, Any]) -> dict[str, Any]:
    return BODY | {"type": "ionq.multi-circuit.v1", "input": {"gateset": "qis", "qubits": 3, "circuits": circuits}}


MANY = _many(_x(0, name="a"), _x(1, name="b"), _x(2, name="c"))


def _completed(client: Client, body: dict[str, Any], **results: Any) -> dict[str, Any]:
    job_id = client("POST", "/jobs", json=body).json()["id"]
    client.emulator.complete_job(job_id, **results)
    return _job(client, job_id)


def _job(client: Client, job_id: str) -> dict[str, Any]:
    shown: dict[str, Any] = client("GET", f"/jobs/{job_id}").json()
    return shown


def _read(client: Client, job: dict[str, Any], descriptor: dict[str, str]) -> Any:
    url = descriptor.get("url", f"/v0.4/jobs/{job['id']}/artifacts/{descriptor.get('id')}")
    answer = client("GET", url.removeprefix("/v0.4"))
    assert answer.status_code == 200, answer.text
    return answer.json()


def _all(client: Client, job: dict[str, Any]) -> dict[str, Any]:
    return {name: _read(client, job, descriptor) for name, descriptor in job["results"].items()}


def test_ideal_simulator_gives_probabilities_only(client: Client) -> None:
    job = _completed(client, BODY | IDEAL | {"input": SKEWED})
    registers = {"registers": {"output_all": {"100": 0.5, "101": 0.5}}}
    assert _all(client, job) == {
        P1: {"1": 0.5, "5": 0.5},
        P2: {"probabilities": registers},
        "probabilities": {"1": 0.5, "5": 0.5},
    }
    assert "shots" not in job
    for kind in ("histogram", "shots"):
        assert client("GET", f"/jobs/{job['id']}/results/{kind}").status_code == 404


@pytest.mark.parametrize("where", [{}, NOISY], ids=["device", "noise model"])
def test_shots_of_a_device_and_a_noise_model_agree_in_every_format(client: Client, where: dict[str, Any]) -> None:
    job = _completed(client, BODY | where | {"input": SKEWED, "shots": 200})
    results = _all(client, job)
    assert set(results) == {P1, P2, H1, H2, S1, S2, "probabilities", "histogram", "shots"}
    keys = results[S1]
    assert (len(keys), set(keys)) == (200, {"1", "5"})
    counts = {key: keys.count(key) for key in ("1", "5")}
    assert 50 < counts["1"] < 150
    assert results[H1] == counts
    assert results[P1] == {key: count / 200 for key, count in counts.items()}
    # Element i, and character i, is qubit i.
    bits = {"1": [1, 0, 0], "5": [1, 0, 1]}
    assert results[S2] == {"shots": [{"registers": {"output_all": bits[key]}} for key in keys]}
    texts = {"100": counts["1"], "101": counts["5"]}
    assert results[H2] == {"histogram": {"registers": {"output_all": texts}}}
    frequencies = {text: count / 200 for text, count in texts.items()}
    assert results[P2] == {"probabilities": {"registers": {"output_all": frequencies}}}
    assert (results["probabilities"], results["histogram"], results["shots"]) == (results[P1], results[H1], results[S1])


@pytest.mark.parametrize(
    ("style", "names"),
    [
        ("artifacts", {P1, P2}),
        ("urls", {"probabilities"}),
        ("both", {P1, P2, "probabilities"}),
    ],
)
def test_style_of_descriptors_can_be_chosen(client: Client, style: Any, names: set[str]) -> None:
    client.emulator.result_style = style
    assert set(_completed(client, BODY | IDEAL)["results"]) == names
    many = _completed(client, MANY)["results"]
    assert set(many) == {AGGREGATE if name == P1 else name for name in names} - {P2}


def test_same_job_has_the_same_shots_whatever_its_name_and_time(run: Callable[..., Client]) -> None:
    shots = []
    for name in ("one", "two"):
        client = run(job_seconds=None)
        client.emulator.submit_job()
        job = _completed(client, BODY | {"name": name, "metadata": {"run": name}})
        shots.append(_read(client, job, job["results"][S1]))
    assert shots[0] == shots[1]
    assert shots[0] != sorted(shots[0])


@pytest.mark.parametrize(
    "change",
    [
        {"shots": 101},
        {"input": BELL | {"qubits": 3}},
        {"backend": "qpu.forte-enterprise-1"},
        {"settings": {"compilation": {"opt": 1}}},
    ],
    ids=["shots", "circuit", "backend", "settings"],
)
def test_another_job_has_other_shots(client: Client, change: dict[str, Any]) -> None:
    shots = [_all(client, _completed(client, body))[S1] for body in (BODY, BODY | change)]
    assert shots[0] != shots[1][:100]


def test_seed_of_the_emulator_changes_the_shots_and_that_of_the_job_overrides_it(run: Callable[..., Client]) -> None:
    found = []
    for seed in (0, 1):
        client = run(job_seconds=None, seed=seed)
        bodies = [BODY, BODY | NOISY | {"noise": {"model": "aria-1", "seed": -7}}]
        found.append([_all(client, _completed(client, body))[S1] for body in bodies])
    assert found[0][0] != found[1][0]
    assert found[0][1] == found[1][1]


def test_equal_circuits_of_one_job_have_shots_of_their_own(client: Client) -> None:
    job = _completed(client, _many(BELL, BELL))
    one, two = (_all(client, _job(client, child))[S1] for child in job["child_job_ids"])
    assert one != two


def test_each_circuit_has_its_results_and_the_aggregate_is_not_in_their_order(client: Client) -> None:
    job = _completed(client, MANY)
    children = job["child_job_ids"]
    assert [_all(client, _job(client, child))[H1] for child in children] == [{"1": 100}, {"2": 100}, {"4": 100}]
    aggregate = _read(client, job, job["results"][AGGREGATE])
    assert aggregate == dict(zip(children, ({"1": 1}, {"2": 1}, {"4": 1}), strict=True))
    assert list(aggregate) == children[::-1]
    # IonQ's SDKs have no other way to map these to the circuits.
    assert list(_read(client, job, job["results"]["probabilities"])) == children


def test_registers_of_a_circuit_name_its_bits(client: Client) -> None:
    job = _completed(client, _many(_x(2, registers={"c": [2, None], "d": [0, 1]})) | {"shots": 1})
    results = _all(client, _job(client, job["child_job_ids"][0]))
    assert results[S2] == {"shots": [{"registers": {"c": [1, 0], "d": [0, 0], "output_all": [0, 0, 1]}}]}
    assert results[H2] == {"histogram": {"registers": {"c": {"10": 1}, "d": {"00": 1}, "output_all": {"001": 1}}}}
    ideal = _completed(client, _many(_x(2, registers={"c": [2]})) | IDEAL)
    results = _all(client, _job(client, ideal["child_job_ids"][0]))
    assert results[P2] == {"probabilities": {"registers": {"output_all": {"001": 1}}}}


@pytest.mark.parametrize("code", ["UnsupportedGate", "QuantumComputerError"])
def test_single_circuits_can_fail(client: Client, code: str) -> None:
    client.control("POST", "/failures", json={"code": code, "message": "no", "circuits": [1]})
    # Neither a job of one circuit nor one with too few of them takes the failure.
    assert _completed(client, BODY)["status"] == "completed"
    assert _completed(client, _many(_x(0)))["failure"] is None
    job = _completed(client, MANY)
    assert (job["status"], job["failure"]) == ("completed", None)
    one, bad, three = (_job(client, child) for child in job["child_job_ids"])
    assert [child["status"] for child in (one, bad, three)] == ["completed", "failed", "completed"]
    assert (bad["failure"], bad["results"]) == ({"code": code, "message": "no"}, None)
    assert set(_read(client, job, job["results"][AGGREGATE])) == {one["id"], three["id"]}
    assert _completed(client, MANY)["status"] == "completed"


@pytest.mark.parametrize("circuits", [[-1], ["1"], [True]])
def test_position_of_a_failing_circuit_is_checked(emulator: Emulator, circuits: Any) -> None:
    with pytest.raises(ValueError, match=facts("circuits | whole numbers | 0")):
        emulator.fail_next_job(circuits=circuits)


@pytest.mark.parametrize("control", [True, False])
def test_deleted_results_get_410(client: Client, control: bool) -> None:
    job = _completed(client, MANY)
    child = _job(client, job["child_job_ids"][0])
    if control:
        client.control("PATCH", f"/jobs/{job['id']}", json={"results_gone": True})
    else:
        client.emulator.delete_results(job["id"])
    assert _job(client, job["id"])["results"] == job["results"]
    for where in (f"/jobs/{job['id']}/results/probabilities/aggregated", f"/jobs/{child['id']}/results/shots"):
        assert client("GET", where).status_code == 410
    artifact = child["results"][P1]["id"]
    answer = client("GET", f"/jobs/{child['id']}/artifacts/{artifact}")
    assert (answer.status_code, answer.json()["error"]) == (410, "Gone")


@pytest.mark.parametrize("kind", ["probabilities", "histogram", "shots"])
def test_results_are_not_there_before_the_job_is_completed(client: Client, kind: str) -> None:
    job_id = client("POST", "/jobs", json=BODY).json()["id"]
    path = f"/jobs/{job_id}/results/{kind}"
    assert client("GET", path).status_code == 404
    client.emulator.complete_job(job_id)
    assert client("GET", path).status_code == 200


def test_shots_come_as_close_as_possible_to_probabilities_that_the_test_sets(client: Client) -> None:
    thirds = {"0": 1 / 3, "1": 1 / 3, "3": 1 / 3}
    results = _all(client, _completed(client, BODY, probabilities=thirds))
    assert results[P1] == thirds
    assert (sorted(results[H1].values()), set(results[H1])) == ([33, 33, 34], set(thirds))
    assert {key: results[S1].count(key) for key in thirds} == results[H1]
    assert results[S1] != sorted(results[S1])
    nothing = _all(client, _completed(client, BODY, probabilities={}))
    assert (nothing[P1], nothing[H1], nothing[S1]) == ({}, {}, [])


DEBIASED = BODY | {"shots": 502, "settings": {"error_mitigation": {"debiasing": True}}}


@pytest.mark.parametrize("where", [{}, NOISY], ids=["device", "noise model"])
def test_debiased_job_has_variants_that_share_its_shots(client: Client, where: dict[str, Any]) -> None:
    job = _completed(client, DEBIASED | where)
    results = _all(client, job)
    variants = job["output"]["error_mitigation"]["debiasing"]["variants"]
    assert [variant["shots"] for variant in variants] == [126, 126, 125, 125]
    assert [variant["qubit_map"] for variant in variants] == [[0, 1], [1, 0], [0, 1], [1, 0]]
    read = [_all(client, {**job, "results": variant["results"]}) for variant in variants]
    for index, variant in enumerate(read):
        assert set(variant) == {P1, H1, S1, "probabilities", "histogram", "shots"}
        assert variant[S1] == variant["shots"] == results[S1][index::4]
        assert variant[H1] == {key: variant[S1].count(key) for key in variant[H1]}
        assert variant[P1] == {key: count / len(variant[S1]) for key, count in variant[H1].items()}
    unknown = f"/jobs/{job['id']}/variants/{variants[0]['variant_id']}/results/other"
    assert client("GET", unknown).status_code == 404


def test_aggregations_keep_what_enough_variants_have_seen_and_the_number_of_shots(client: Client) -> None:
    # The last state has so few shots that no variant but one can have seen it.
    job = _completed(client, DEBIASED, probabilities={"0": 0.5, "3": 0.498, "1": 0.002})
    aggregations = job["output"]["error_mitigation"]["aggregations"]
    assert set(aggregations) == {"average", "voting", "dnl", "majority"}
    found = {
        name: _read(client, job, descriptor)["histogram"]["registers"] for name, descriptor in aggregations.items()
    }
    assert found["average"] == {"output_all": {"00": 251, "11": 250, "10": 1}}
    for name in ("voting", "dnl", "majority"):
        assert set(found[name]["output_all"]) == {"00", "11"}
        assert sum(found[name]["output_all"].values()) == 502
    assert {descriptor["format"] for descriptor in aggregations.values()} == {H2}


@pytest.mark.parametrize(
    ("query", "states"),
    [
        ("", {"00", "11", "10"}),
        ("?sharpen=False", {"00", "11", "10"}),
        ("?sharpen=true", {"00", "11"}),
        ("?aggregation=average", {"00", "11", "10"}),
        ("?aggregation=voting", {"00", "11"}),
    ],
)
def test_probabilities_of_a_debiased_job_can_be_sharpened(client: Client, query: str, states: set[str]) -> None:
    job = _completed(client, DEBIASED, probabilities={"0": 0.5, "3": 0.498, "1": 0.002})
    found = client("GET", f"/jobs/{job['id']}/results/probabilities{query}").json()
    assert sum(found.values()) == pytest.approx(1)
    assert {f"{int(key):02b}"[::-1] for key in found} == states
    assert client("GET", f"/jobs/{job['id']}/results/probabilities?aggregation=best").status_code == 400


@pytest.mark.parametrize(
    ("kind", "body", "results"),
    [
        ("quantum-function", {"data": {}}, {"value": -1.5, "variance": 0.1}),
        (
            "qctrl.qaoa.v1",
            {},
            {"qaoa_results": {"optimal_cost": 2, "optimal_bitstring": "01", "processing_status": "complete"}},
        ),
    ],
)
def test_job_without_circuits_has_the_inline_results_that_the_test_sets(
    client: Client, kind: str, body: dict[str, Any], results: dict[str, Any]
) -> None:
    job_id = client("POST", "/jobs", json=BODY | {"type": kind, "input": body}).json()["id"]
    with pytest.raises(ValueError, match=facts("one circuit")):
        client.emulator.complete_job(job_id, probabilities={"0": 1})
    client.control("PATCH", f"/jobs/{job_id}", json={"status": "completed", "results": results})
    assert _job(client, job_id)["results"] == results
    for kind in ("probabilities", "shots", "probabilities/aggregated"):
        assert client("GET", f"/jobs/{job_id}/results/{kind}").status_code == 404


@pytest.mark.parametrize("body", [BODY, MANY], ids=["one circuit", "several circuits"])
def test_job_with_circuits_takes_no_inline_results(client: Client, body: dict[str, Any]) -> None:
    job_id = client("POST", "/jobs", json=body).json()["id"]
    with pytest.raises(ValueError, match="has circuits"):
        client.emulator.complete_job(job_id, results={"value": 1})
    assert _job(client, job_id)["status"] == "submitted"


WIDE = [{"gate": "h", "target": qubit} for qubit in range(25)]


def test_circuit_that_is_too_large_is_completed_but_not_computed(client: Client) -> None:
    body = BODY | {"input": {"gateset": "qis", "qubits": 30, "circuit": WIDE}}
    job = _completed(client, body)
    answer = client("GET", f"/jobs/{job['id']}/results/histogram")
    assert answer.status_code == 400
    assert re.search(facts("24 qubits | 25"), answer.json()["message"])
    job = _completed(client, body, probabilities={str(1 << 29): 1})
    assert _read(client, job, job["results"]["histogram"]) == {str(1 << 29): 100}


def test_qubits_without_gates_cost_nothing(client: Client) -> None:
    circuit = [{"gate": "x", "target": 35}, {"gate": "cnot", "control": 35, "target": 1}]
    job = _completed(client, BODY | {"input": {"gateset": "qis", "qubits": 36, "circuit": circuit}})
    assert _read(client, job, job["results"][H1]) == {str((1 << 35) + 2): 100}
    empty = _completed(client, BODY | {"input": {"gateset": "native", "qubits": 2, "circuit": [{"gate": "nop"}]}})
    assert _read(client, empty, empty["results"][H1]) == {"0": 100}


def test_computation_does_not_delay_other_requests(client: Client) -> None:
    gates = [{"gate": "h", "target": qubit} for qubit in range(21)]
    body = BODY | {"input": {"gateset": "qis", "qubits": 21, "circuit": gates}}
    job = _completed(client, body)
    reader = threading.Thread(target=_read, args=(client, job, job["results"][H1]))
    reader.start()
    requests = 0
    while reader.is_alive():
        began = time.monotonic()
        assert client.emulator.job(job["id"])["status"] == "completed"
        assert time.monotonic() - began < 1
        requests += 1
        time.sleep(0.01)
    reader.join()
    assert requests > 5


def test_emulator_whose_results_nobody_reads_loads_no_numerical_library() -> None:
    program = """
import sys
from airflow_provider_ionq.emulator import Emulator
with Emulator(job_seconds=0) as emulator:
    emulator.submit_job()
    assert emulator.jobs()[0]["results"]
print([name for name in ("numpy", "openqasm3") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(("name", "value"), [("seed", -1), ("seed", "1"), ("seed", True), ("result_style", "new")])
def test_impossible_setting_is_rejected(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        Emulator(**{name: value})


def test_settings_of_results_are_set_over_http(client: Client) -> None:
    answer = client.control("PATCH", "/settings", json={"seed": 5, "result_style": "urls"})
    assert (answer.json()["seed"], answer.json()["result_style"]) == (5, "urls")
    assert client.control("PATCH", "/settings", json={"result_style": None}).status_code == 400
