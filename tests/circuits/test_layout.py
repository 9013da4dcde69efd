"""The layout of a circuit, and how a job's metadata holds it."""

from __future__ import annotations

import pytest

from airflow_provider_ionq.circuits.layout import LONGEST_METADATA, CircuitLayout, decode_layouts, encode_layouts
from tests.support.facts import facts

CROSSED = CircuitLayout(3, (("a", (2, None)), ("b", (0,))), "qiskit")
CIRQ = CircuitLayout(2, (("m", (0, 1)),), "cirq")

JOBS: dict[str, list[CircuitLayout | None]] = {
    "one circuit": [CROSSED],
    "equal circuits": [CROSSED, CROSSED, CROSSED],
    "different circuits": [CROSSED, CIRQ, CROSSED],
    "some without a layout": [None, CIRQ, None],
    "a measurement in the middle": [CircuitLayout(2, (("c", (0, 0)),), "qiskit", mid_circuit=True)],
}


@pytest.mark.parametrize("layouts", JOBS.values(), ids=list(JOBS))
def test_layouts_survive_the_metadata(layouts: list[CircuitLayout | None]) -> None:
    text = encode_layouts(layouts)
    assert text is not None
    assert decode_layouts(text, len(layouts)) == layouts


def test_layout_says_nothing_of_measurements_in_the_middle_without_any() -> None:
    assert "mid_circuit" not in CROSSED.as_json()


def test_circuits_of_ionq_need_no_metadata() -> None:
    assert encode_layouts([None, None]) is None


def test_equal_layouts_are_stored_once() -> None:
    text = encode_layouts([CROSSED] * 5_000)
    assert text is not None
    assert len(text) < 200


def test_metadata_that_would_be_too_long_is_a_hash() -> None:
    layouts = [CircuitLayout(500, (("c", (index, *range(400))),), "qiskit") for index in range(10)]
    text = encode_layouts(layouts)
    assert text is not None
    assert len(text) < LONGEST_METADATA
    assert text.startswith("sha256:")
    assert decode_layouts(text, 10) is None
    assert text != encode_layouts(layouts[::-1])


@pytest.mark.parametrize(
    "text", ["", "nonsense", "{}", "[]", '{"layouts":[]}', '{"layouts":[{"qubits":1,"registers":[],"source":"x"}]}']
)
def test_text_of_another_kind_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="airflow_circuits"):
        decode_layouts(text, 1)


def test_layouts_of_another_number_of_circuits_are_refused() -> None:
    text = encode_layouts([CROSSED, CIRQ])
    assert text is not None
    with pytest.raises(ValueError, match=facts("2 circuits | 3")):
        decode_layouts(text, 3)


@pytest.mark.parametrize("registers", [(("c", (3,)),), (("c", (-1,)),)])
def test_register_of_a_qubit_that_does_not_exist_is_refused(registers: tuple[tuple[str, tuple[int]]]) -> None:
    with pytest.raises(ValueError, match="register 'c' reads qubit"):
        CircuitLayout(3, registers, "qiskit")


def test_order_of_bits_is_that_of_the_library() -> None:
    assert CROSSED.bit_order == "little-endian"
    assert CIRQ.bit_order == "big-endian"
