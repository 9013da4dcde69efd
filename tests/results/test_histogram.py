"""Histograms as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.results.histogram import Histogram, histogram_text

if TYPE_CHECKING:
    from airflow_provider_ionq.results.models import CircuitResult, JobResults

pytestmark = pytest.mark.one_airflow

FULL = "█" * 40


def result(**fields: Any) -> CircuitResult:
    """Return the result of a circuit of a Bell pair, with other fields."""
    bell: CircuitResult = {
        "name": "bell",
        "job_id": "j-1",
        "status": "completed",
        "failure": None,
        "qubits": 2,
        "shots": 1000,
        "registers": {},
        "bit_order": "little-endian",
        "kind": "measured",
        "counts": {"11": 500, "00": 500},
    }
    bell.update(fields)  # type: ignore[typeddict-item]
    return bell


def failed(**fields: Any) -> CircuitResult:
    """Return the result of a circuit that failed, with other fields."""
    failure = {"code": "NotEnoughQubits", "message": "too wide"}
    circuit: CircuitResult = {"name": "wide", "job_id": "j-2", "status": "failed", "failure": failure, "qubits": 90}
    circuit.update(fields)  # type: ignore[typeddict-item]
    return circuit


def rows(text: str) -> list[list[str]]:
    """Return the words of all lines below the title."""
    return [line.split() for line in text.splitlines()[1:]]


def test_a_bell_pair_has_a_bar_for_each_state_in_the_order_of_the_keys() -> None:
    assert histogram_text(result(counts={"11": 250, "00": 1000})).splitlines() == [
        "bell, job j-1: 1,000 shots, measured counts, bit 0 rightmost",
        f"  00  {FULL}  80.0 %  1,000",
        f"  11  {'█' * 10}{' ' * 30}  20.0 %    250",
    ]


@pytest.mark.parametrize(
    ("fields", "title"),
    [
        ({"name": None}, "Job j-1: 1,000 shots, measured counts, bit 0 rightmost"),
        ({"kind": "derived"}, "bell, job j-1: 1,000 shots, counts derived from probabilities, bit 0 rightmost"),
        ({"shots": 1}, "bell, job j-1: 1 shot, measured counts, bit 0 rightmost"),
        ({"shots": None}, "bell, job j-1: measured counts, bit 0 rightmost"),
        ({"bit_order": "big-endian"}, "bell, job j-1: 1,000 shots, measured counts, bit 0 leftmost"),
        ({"bit_order": "undocumented"}, "bell, job j-1: 1,000 shots, measured counts, bit order undocumented"),
        ({"registers": {"c": {}}}, "bell, job j-1: 1,000 shots, measured counts, bit 0 rightmost"),
        (
            {"registers": {"a": {}, "b": {}}},
            "bell, job j-1: 1,000 shots, measured counts, registers b a, bit 0 rightmost",
        ),
        (
            {"registers": {"a": {}, "b": {}}, "bit_order": "big-endian"},
            "bell, job j-1: 1,000 shots, measured counts, registers a b, bit 0 leftmost",
        ),
        ({"name": "two\nlines"}, r"'two\nlines', job j-1: 1,000 shots, measured counts, bit 0 rightmost"),
        ({"name": "n" * 50}, f"{'n' * 37}..., job j-1: 1,000 shots, measured counts, bit 0 rightmost"),
    ],
)
def test_the_title_says_what_the_values_are_and_in_which_order_the_bits(fields: dict[str, Any], title: str) -> None:
    assert histogram_text(result(**fields)).splitlines()[0] == title


def test_without_counts_the_probabilities_are_shown() -> None:
    text = histogram_text(result(counts={}, probabilities={"01": 0.25, "10": 0.5}, shots=None))
    assert text.splitlines()[0] == "bell, job j-1: probabilities, bit 0 rightmost"
    assert rows(text) == [["01", "█" * 20, "25.0", "%"], ["10", FULL, "50.0", "%"]]


def test_shots_alone_are_counted() -> None:
    circuit = failed(failure=None, status="completed", samples=["10", "01", "10", "10"], shots=4)
    text = histogram_text(circuit)
    assert text.splitlines()[0] == "wide, job j-2: 4 shots, measured shots"
    assert rows(text) == [["01", "█" * 13 + "▍", "25.0", "%", "1"], ["10", FULL, "75.0", "%", "3"]]


def test_of_many_states_the_most_frequent_are_shown_and_the_others_are_summed_up() -> None:
    counts = {f"{state:05b}": 1 for state in range(32)} | {"00111": 50, "10000": 18}
    text = histogram_text(result(counts=counts), most=2)
    assert rows(text) == [
        ["00111", FULL, "51.0", "%", "50"],
        ["10000", "█" * 14 + "▍", "18.4", "%", "18"],
        ["and", "30", "more", "states", "with", "30.6", "%", "together"],
    ]


@pytest.mark.parametrize(("states", "shown", "last"), [(16, 16, "%"), (17, 16, "together")])
def test_sixteen_states_are_shown_unless_told_otherwise(states: int, shown: int, last: str) -> None:
    text = histogram_text(result(counts={}, probabilities={f"{state:05b}": 1 / states for state in range(states)}))
    assert len([line for line in text.splitlines() if "█" in line]) == shown
    assert text.split()[-1] == last


@pytest.mark.parametrize(
    ("share", "bar", "percent"),
    [(1e-9, "▏", "<0.1 %"), (0.0004, "▏", "<0.1 %"), (0.001, "▏", "0.1 %"), (0.5, FULL, "50.0 %")],
)
def test_a_state_that_occurs_has_a_bar_however_rare_it_is(share: float, bar: str, percent: str) -> None:
    line = histogram_text(result(counts={}, probabilities={"0": share, "1": 0.5})).splitlines()[1]
    assert line.split()[1] == bar
    assert line.endswith(percent)


def test_states_that_never_occur_are_left_out() -> None:
    assert rows(histogram_text(result(counts={"00": 0, "01": 7, "10": float("nan")}))) == [
        ["01", FULL, "100.0", "%", "7"]
    ]


@pytest.mark.parametrize(
    ("circuit", "text"),
    [
        (failed(), "wide, job j-2: failed: NotEnoughQubits: too wide"),
        (failed(failure=None), "wide, job j-2: no results, status failed"),
        (failed(failure={"code": None, "message": "m"}), "wide, job j-2: failed: m"),
        (failed(status="canceled", failure=None), "wide, job j-2: no results, status canceled"),
        (result(counts={}), "bell, job j-1: no results, status completed"),
    ],
)
def test_a_circuit_without_results_says_why(circuit: CircuitResult, text: str) -> None:
    assert histogram_text(circuit) == text


def test_several_circuits_have_a_line_each() -> None:
    circuits = [
        result(name="a", counts={"1": 1, "0": 3}),
        result(name=None, counts={f"{state:03b}": 10 - state for state in range(6)}),
        failed(),
    ]
    results: JobResults = {"job_id": "j-9", "status": "completed", "type": "t", "circuits": circuits}
    lines = [
        "3 circuits, 1,000 shots, measured counts, bit 0 rightmost",
        "  a            0  75.0 %  1  25.0 %",
        "  circuits[1]  000  22.2 %  001  20.0 %  010  17.8 %  011  15.6 %  and 2 more states with 24.4 % together",
        "  wide         failed: NotEnoughQubits: too wide",
    ]
    assert histogram_text(results).splitlines() == [f"Job j-9: {lines[0]}", *lines[1:]]
    assert histogram_text(circuits).splitlines() == lines


def test_what_several_circuits_have_not_in_common_is_not_said_of_all() -> None:
    assert histogram_text([result(), result(shots=3)]).splitlines()[0] == "2 circuits"


@pytest.mark.parametrize(
    ("others", "line"),
    [
        ([result()], "and 1 more circuit"),
        ([result(), failed(), failed()], "and 3 more circuits, 2 without results"),
    ],
)
def test_of_many_circuits_the_first_are_shown(others: list[CircuitResult], line: str) -> None:
    text = histogram_text([result(), result(), *others], most=2)
    assert [text.count("\n"), text.splitlines()[-1].strip()] == [3, line]


def test_a_job_of_one_circuit_is_shown_like_its_circuit() -> None:
    results: JobResults = {"job_id": "j-1", "status": "completed", "type": "t", "circuits": [result()]}
    assert histogram_text(results) == histogram_text(result()) == histogram_text([result()])


@pytest.mark.parametrize(
    ("results", "text"),
    [
        ({"job_id": "j-1", "circuits": [], "inline": {"solution": 1}}, "Job j-1: no results of circuits"),
        ([], "no results of circuits"),
    ],
)
def test_a_job_without_circuits_has_no_histogram(results: Any, text: str) -> None:
    assert histogram_text(results) == text


@pytest.mark.parametrize("field", [*result(), "probabilities"])
@pytest.mark.parametrize("value", [None, "", "text", 7, -1.5, [], {}, {"00": None, "x": "y"}, True])
def test_any_json_in_any_field_is_shown_without_an_error(field: str, value: Any) -> None:
    circuit = result(**{field: value})
    assert histogram_text(circuit)
    assert Histogram.of(circuit).title
