"""Decode the contents of results: bit order, registers, counts, and what cannot be a result."""

from __future__ import annotations

import math
import random
import time
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ionq.circuits.layout import CircuitLayout
from airflow_provider_ionq.results.bits import Bits
from airflow_provider_ionq.results.decode import (
    decode_numbered,
    decode_numbered_shots,
    decode_register_shots,
    decode_undocumented,
    largest_remainder,
    qubits_of_states,
)
from tests.support.facts import facts

pytestmark = pytest.mark.one_airflow

PLAIN = Bits(CircuitLayout(3))
CROSSED = Bits(CircuitLayout(3, (("a", (2, 0)), ("b", (1,))), "qiskit"))
KEYS = Bits(CircuitLayout(3, (("a", (2, 0)), ("b", (1,))), "cirq"))
UNMEASURED = Bits(CircuitLayout(3, (("c", (None, 1, None)),), "qiskit"))


@pytest.mark.parametrize(
    ("bits", "expected"),
    [
        (PLAIN, {"001": "000001"}),
        (CROSSED, {"0 10": 0, "1 00": 1, "0 01": 2}),
        (KEYS, {"01 0": 0, "00 1": 1, "10 0": 2}),
        (UNMEASURED, {"000": 0, "010": 1}),
    ],
    ids=["ionq", "qiskit", "cirq", "unmeasured bits"],
)
def test_bit_string_is_the_one_that_the_library_prints(bits: Bits, expected: dict[str, Any]) -> None:
    if bits is PLAIN:
        assert [bits.text_of(1 << qubit) for qubit in range(3)] == ["001", "010", "100"]
        return
    for text, qubit in expected.items():
        assert bits.text_of(1 << qubit) == text


@given(st.integers(1, 12), st.data())
def test_each_bit_of_a_register_is_the_qubit_that_it_reads(qubits: int, data: st.DataObject) -> None:
    source = data.draw(st.sampled_from(["qiskit", "cirq", "openqasm"]))
    one_bit = st.one_of(st.none(), st.integers(0, qubits - 1))
    registers = data.draw(st.lists(st.lists(one_bit, max_size=4), min_size=1, max_size=4))
    layout = CircuitLayout(qubits, tuple((f"r{at}", tuple(bits)) for at, bits in enumerate(registers)), source)
    state = data.draw(st.integers(0, 2**qubits - 1))
    text = Bits(layout).text_of(state)
    parts = text.split(" ") if source == "cirq" else text.split(" ")[::-1]
    for part, bits in zip(parts, registers, strict=True):
        shown = part if source == "cirq" else part[::-1]
        assert shown == "".join("0" if qubit is None else str(state >> qubit & 1) for qubit in bits)


@pytest.mark.parametrize("source", ["qiskit", "cirq"])
def test_registers_without_bits_keep_the_others_in_their_places(source: str) -> None:
    empty: Any = CircuitLayout(2, (("x", ()), ("a", (1,)), ("y", ()), ("b", (0,)), ("z", ())), source)
    bits = Bits(empty)
    text = bits.text_of(1)
    assert text == bits.text_of_registers({"a": [0], "b": [1]})
    assert {name: text[at] for name, at in bits.registers} == {"x": "", "a": "0", "y": "", "b": "1", "z": ""}
    assert Bits(CircuitLayout(2, (("x", ()),), source)).text_of(1) == ""


@pytest.mark.parametrize("qubits", [10_001, 10**9, 10**300])
def test_circuit_of_more_qubits_than_any_computer_has_is_refused(qubits: int) -> None:
    with pytest.raises(ValueError, match="qubits, but at most 10,000"):
        Bits(CircuitLayout(qubits))


def test_marginal_of_each_register_follows_from_the_whole() -> None:
    decoded = decode_numbered({"1": 0.5, "5": 0.25, "2": 0.25}, CROSSED, counted=False)
    assert decoded.probabilities() == {"0 10": 0.5, "0 11": 0.25, "1 00": 0.25}
    whole: Any = {"probabilities": decoded.probabilities(), "counts": decoded.counts(8)}
    marginals = {name: CROSSED.marginal(whole, at) for name, at in CROSSED.registers}
    assert list(marginals) == ["a", "b"]
    assert marginals["a"] == {
        "probabilities": {"00": 0.25, "10": 0.5, "11": 0.25},
        "counts": {"00": 2, "10": 4, "11": 2},
    }
    assert marginals["b"] == {"probabilities": {"0": 0.75, "1": 0.25}, "counts": {"0": 6, "1": 2}}


def test_states_that_differ_in_unmeasured_qubits_are_added() -> None:
    decoded = decode_numbered({"0": 10, "1": 20, "2": 30, "7": 40}, UNMEASURED, counted=True)
    assert decoded.counts(0) == {"000": 30, "010": 70}
    assert decoded.probabilities() == {"000": 0.3, "010": 0.7}
    assert decoded.shots == 100


@given(
    st.dictionaries(st.text("01", min_size=3, max_size=3), st.floats(1e-6, 1.0), min_size=1),
    st.integers(1, 1_000_000),
)
def test_derived_counts_have_an_exact_sum_and_are_off_by_less_than_one(weights: dict[str, float], shots: int) -> None:
    counts = largest_remainder(weights, shots)
    assert sum(counts.values()) == shots
    total = math.fsum(weights.values())
    assert all(abs(counts.get(text, 0) - shots * weight / total) < 1 + 1e-6 for text, weight in weights.items())
    assert all(isinstance(count, int) and count > 0 for count in counts.values())


def test_derived_counts_do_not_depend_on_the_order_of_the_answer() -> None:
    weights = {f"{state:02b}": 0.25 for state in range(4)}
    expected = {"00": 1, "01": 1}
    assert largest_remainder(weights, 2) == expected
    assert largest_remainder(dict(reversed(weights.items())), 2) == expected


def test_whole_numbers_and_rounding_errors_are_probabilities() -> None:
    decoded = decode_numbered({"0": 0, "1": 1, "2": -1e-12, "3": 1e-4}, PLAIN, counted=False)
    assert decoded.probabilities() == {"001": 1, "011": 1e-4}


BROKEN_V1: dict[str, tuple[Any, bool, str]] = {
    "no object": ([0.5, 0.5], False, "not an object"),
    "null": (None, False, "not an object"),
    "empty": ({}, False, "no states"),
    "zero only": ({"0": 0}, True, "no states"),
    "bit string": ({"0b1": 1.0}, False, "'0b1' | number of a state"),
    "negative key": ({"-1": 1.0}, False, "'-1' | number of a state"),
    "spaced key": ({" 1": 1.0}, False, "' 1' | number of a state"),
    "grouped key": ({"1_0": 1.0}, False, "'1_0' | number of a state"),
    "other digits": ({"\u0661": 1.0}, False, "number of a state"),
    "fraction as key": ({"1.0": 1.0}, False, "'1.0' | number of a state"),
    "endless key": ({"1" * 5000: 1.0}, False, "number of a state"),
    "beyond the qubits": ({"8": 1.0}, False, "state 8 | 3 qubits"),
    "negative": ({"0": 1.0, "1": -0.5}, False, "state 1 | probability | -0.5"),
    "NaN": ({"0": math.nan}, False, "state 0 | probability | nan"),
    "infinite": ({"0": math.inf}, False, "state 0 | probability | inf"),
    "null value": ({"0": None}, False, "state 0 | probability | None"),
    "true": ({"0": True}, False, "state 0 | probability | True"),
    "text value": ({"0": "1"}, False, "state 0 | probability"),
    "sum below 1": ({"0": 0.5}, False, "sum | 0.5 | 1"),
    "sum above 1": ({"0": 1.0, "1": 1.0}, False, "sum | 2 | 1"),
    "above 1": ({"0": 1.5}, False, "state 0 | probability | 1.5"),
    "too large to add": ({"0": 1e308, "1": 1e308}, False, "state 0 | probability | 1e+308"),
    "too many shots": ({"0": 1e308, "1": 1e308}, True, "state 0 | number of shots | 1e+308"),
    "endless number of shots": ({"0": 10**400}, True, "state 0 | number of shots"),
    "half a shot": ({"0": 0.5}, True, "state 0 | number of shots | 0.5"),
    "negative shots": ({"0": -5}, True, "state 0 | number of shots | -5"),
}


@pytest.mark.parametrize("name", BROKEN_V1)
def test_what_is_no_result_of_format_v1_is_refused(name: str) -> None:
    content, counted, problem = BROKEN_V1[name]
    with pytest.raises(ValueError, match=facts(problem)):
        decode_numbered(content, PLAIN, counted=counted)


def test_shots_keep_their_order() -> None:
    decoded = decode_numbered_shots(["4", "0", "4", "2"], CROSSED)
    assert decoded.samples == ["0 01", "0 00", "0 01", "1 00"]
    assert decoded.counts(0) == {"0 00": 1, "0 01": 2, "1 00": 1}


@pytest.mark.parametrize("content", [None, {}, {"1": 1}, "1", [], [None], [["1"]], ["x"], ["8"], [1.5], [{"a": 1}]])
def test_what_is_no_list_of_shots_is_refused(content: Any) -> None:
    with pytest.raises(ValueError, match="shot|state"):
        decode_numbered_shots(content, PLAIN)


def shot(**registers: Any) -> dict[str, Any]:
    return {"registers": registers}


def test_element_i_of_a_register_is_its_bit_i() -> None:
    shots = [shot(a=[1, 0], b=[0], output_all=[1, 0, 0]), shot(b=[1], a=[0, 0], output_all=[0, 0, 1])]
    decoded, bits = decode_register_shots(shots, CROSSED)
    assert decoded.samples == ["0 01", "1 00"]
    assert bits is CROSSED
    decoded, _ = decode_register_shots(shots, KEYS)
    assert decoded.samples == ["10 0", "00 1"]


def test_registers_of_a_program_without_a_layout_are_those_of_the_shots() -> None:
    shots = [shot(output_all=[1, 0, 0], b=[0], a=[1, 0]), shot(output_all=[0, 0, 1], b=[1], a=[0, 0])]
    decoded, bits = decode_register_shots(shots, None)
    assert decoded.samples == ["0 01", "1 00"]
    assert [name for name, _ in bits.registers] == ["a", "b"]
    assert bits.layout.qubits == 3
    assert bits.layout.source == "openqasm"
    decoded, bits = decode_register_shots([shot(output_all=[1, 0, 0])], None)
    assert decoded.samples == ["001"]
    assert [name for name, _ in bits.registers] == ["output_all"]


@pytest.mark.parametrize("place", ["shot", "registers"])
@pytest.mark.parametrize("lost", [[0, 1], [1], 1, True])
def test_shot_with_a_lost_ion_is_dropped(place: str, lost: Any) -> None:
    leaked: dict[str, Any] = shot(a=[1, 1], b=[1])
    kept: dict[str, Any] = shot(a=[0, 1], b=[0])
    for one, bits in ((leaked, lost), (kept, [0, 0])):
        (one if place == "shot" else one["registers"])["leakage_bits"] = bits
    decoded, _ = decode_register_shots([leaked, kept, leaked], CROSSED)
    assert decoded.samples == ["0 10"]
    with pytest.raises(ValueError, match="no shot"):
        decode_register_shots([leaked], None)


BROKEN_V2: dict[str, tuple[list[Any], str]] = {
    "no shots": ([], "no shots"),
    "no object": ([5], "no registers"),
    "no registers": ([{"registers": {}}], "no registers"),
    "other names": ([shot(c0=[1, 0], c1=[0])], "'b' | c0, c1 | IonQ"),
    "too short": ([shot(a=[1], b=[0])], "'a' | list of 2 bits"),
    "too long": ([shot(a=[1, 0], b=[0, 1])], "'b' | list of 1 bits"),
    "no bits": ([shot(a=[1, 2], b=[0])], "'a' | list of 2 bits"),
    "text": ([shot(a="10", b=[0])], "'a' | list of 2 bits"),
    "number": ([shot(a=2, b=[0])], "'a' | list of bits"),
    "null": ([shot(a=None, b=[0])], "'a' | list of bits"),
    "nested": ([shot(a=[[1], 0], b=[0])], "'a' | list of bits"),
}


@pytest.mark.parametrize("name", BROKEN_V2)
def test_what_is_no_shot_by_register_is_refused(name: str) -> None:
    shots, problem = BROKEN_V2[name]
    with pytest.raises(ValueError, match=facts(problem)):
        decode_register_shots(shots, CROSSED)


def histogram(**registers: Any) -> dict[str, Any]:
    return {"histogram": {"registers": registers}}


def test_strings_of_an_aggregation_are_left_as_ionq_sent_them() -> None:
    decoded = decode_undocumented(histogram(output_all={"01": 60, "10": 40}))
    assert decoded.counts(0) == {"01": 60, "10": 40}
    assert decoded.counted
    decoded = decode_undocumented(histogram(c={"01": 0.5, "10": 1.5}))
    assert not decoded.counted
    assert decoded.probabilities() == {"01": 0.25, "10": 0.75}
    assert decoded.counts(8) == {"01": 2, "10": 6}


@pytest.mark.parametrize(
    "content",
    [
        None,
        {"histogram": {}},
        histogram(a={"0": 1}, b={"1": 1}),
        histogram(output_all={}),
        histogram(output_all={"3": 1}),
        histogram(output_all={"0": 1, "01": 1}),
        histogram(output_all={"0": -1}),
        histogram(output_all={"0": 1e308, "1": 1e308}),
        histogram(output_all={"0": 10**400}),
        histogram(output_all={"0": None}),
        histogram(output_all=[1]),
    ],
)
def test_what_is_no_aggregation_is_refused(content: Any) -> None:
    with pytest.raises(ValueError, match="histogram|bit string|shots"):
        decode_undocumented(content)


@pytest.mark.parametrize(("content", "qubits"), [({"0": 1}, 1), ({"4": 1, "1": 1}, 3), (["3", "1"], 2), ([], 1)])
def test_number_of_qubits_follows_from_the_states(content: Any, qubits: int) -> None:
    assert qubits_of_states(content) == qubits


def test_large_results_are_decoded_in_seconds() -> None:
    layout = CircuitLayout(16, (("a", tuple(range(8))), ("b", tuple(range(15, 7, -1)))), "qiskit")
    numbers = random.Random(1)
    shots = [str(numbers.randrange(65_536)) for _ in range(1_000_000)]
    begin = time.process_time()
    decoded = decode_numbered_shots(shots, Bits(layout))
    assert decoded.counts(0) == Counter(decoded.samples)
    decoded = decode_numbered({str(state): 1 / 65_536 for state in range(65_536)}, Bits(layout), counted=False)
    assert sum(decoded.counts(1_000_000).values()) == 1_000_000
    assert time.process_time() - begin < 5.0
