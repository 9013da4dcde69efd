"""The validation of the bodies that submit, clone, cancel and delete jobs, as strict as IonQ's API description."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.emulator.account_data import BACKENDS, NOISE_MODELS
from airflow_provider_ionq.emulator.payload import unknown_names
from airflow_provider_ionq.emulator.state import is_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Problems = dict[str, str]

GATES = {
    "qis": frozenset("x y z rx ry rz h s si v vi t ti not cnot swap xx yy zz pauliexp".split()),
    "native": frozenset({"zz", "ms", "gpi", "gpi2", "nop"}),
}
CIRCUITS_LIMIT = 5_000
GATES_LIMIT = 150_000
_SHOTS_LIMIT = 1_000_000
_SHOTS_DIGITS = 7
# The first problems say enough, and a message with one for each of 150,000 gates does not.
_PROBLEMS_LIMIT = 10
_KINDS: dict[str, tuple[type, str]] = {
    "type": (str, "a string"),
    "session_id": (str, "a string"),
    "name": (str, "a string"),
    "metadata": (dict, "an object"),
    "input": (dict, "an object"),
    "dry_run": (bool, "true or false"),
    "settings": (dict, "an object"),
    "noise": (dict, "an object"),
    "external_settings": (dict, "an object"),
}
# "lang" is not in the API's description, but cirq-ionq sends it with every job.
_OF_JOB = frozenset({*_KINDS, "backend", "shots", "lang"})
_OF_CIRCUIT = frozenset({"qubits", "circuit", "gateset"})
_OF_MANY = frozenset({"name", "circuit", "qubits", "registers", "gateset"})


def problems_in_new_job(payload: object) -> Problems:
    """
    Check the body of ``POST /jobs``.

    :return: problems by key (``input.circuit[2].gate``); empty for a valid body. The key of a body that is not an
        object is ``""``.
    """
    if not isinstance(payload, dict):
        return {"": "the body must be a JSON object"}
    problems = {name: "is required" for name in ("type", "backend", "input") if payload.get(name) is None}
    problems |= unknown_names(payload, _OF_JOB) | _in_fields(payload)
    if "type" not in problems and payload["type"] not in _INPUTS:
        problems["type"] = f"must be one of {', '.join(_INPUTS)}"
    elif not {"type", "input"} & set(problems):
        found = _INPUTS[payload["type"]](payload["input"])
        problems |= {f"input.{name}": problem for name, problem in found}
    return dict(list(problems.items())[:_PROBLEMS_LIMIT])


def problems_in_clone(payload: object) -> Problems:
    """Check the body of ``POST /jobs/{job_id}/clone``, in which everything is optional and more is allowed."""
    return _in_fields(payload) if isinstance(payload, dict) else {"": "the body must be a JSON object"}


def problems_in_ids(payload: object) -> Problems:
    """Check the body of a request on several jobs."""
    if not isinstance(payload, dict):
        return {"": "the body must be a JSON object"}
    problems = unknown_names(payload, frozenset({"ids"}))
    ids = payload.get("ids")
    if not isinstance(ids, list) or not all(isinstance(job_id, str) for job_id in ids):
        problems["ids"] = "is required and must be a list of strings"
    return problems


def _in_fields(payload: dict[str, Any]) -> Problems:
    problems = {
        name: f"must be {what}"
        for name, (kind, what) in _KINDS.items()
        if payload.get(name) is not None and type(payload[name]) is not kind
    }
    if payload.get("backend") is not None and payload["backend"] not in list(BACKENDS):
        problems["backend"] = f"must be one of {', '.join(BACKENDS)}"
    if payload.get("shots") is not None and not _is_shots(payload["shots"]):
        problems["shots"] = f"must be a whole number from 1 to {_SHOTS_LIMIT}"
    metadata = payload.get("metadata")
    if isinstance(metadata, dict) and not all(isinstance(value, str) for value in metadata.values()):
        problems["metadata"] = "must have strings as values"
    if "noise" not in problems and payload.get("noise") is not None:
        problems |= _in_noise(payload["noise"])
    if "settings" not in problems and payload.get("settings"):
        problems |= _in_settings(payload["settings"])
    return problems


def _in_noise(noise: dict[str, Any]) -> Problems:
    problems = unknown_names(noise, frozenset({"model", "seed"}), "noise.")
    if noise.get("model") not in list(NOISE_MODELS):
        problems["noise.model"] = f"must be one of {', '.join(NOISE_MODELS)}"
    # qiskit-ionq sends null for no seed.
    if noise.get("seed") is not None and not _is_int32(noise["seed"]):
        problems["noise.seed"] = "must be a 32-bit whole number"
    return problems


def _in_settings(settings: dict[str, Any]) -> Problems:
    mitigation = settings.get("error_mitigation")
    if mitigation is None:
        return {}
    if not isinstance(mitigation, dict):
        return {"settings.error_mitigation": "must be an object"}
    return {
        f"settings.error_mitigation.{name}": "must be true or false"
        for name in ("debiasing", "symmetry_verification")
        if name in mitigation and type(mitigation[name]) is not bool
    }


def _in_circuit(value: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield from unknown_names(value, _OF_CIRCUIT).items()
    yield from _in_qubits(value)
    if value.get("gateset") not in list(GATES):
        yield "gateset", f"is required and must be one of {', '.join(GATES)}"
    elif not isinstance(value.get("circuit"), list):
        yield "circuit", "is required and must be a list of gates"
    else:
        yield from _in_gates(value["circuit"], value["gateset"], "circuit")


def _in_circuits(value: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield from _in_qubits(value)
    if "circuit" in value:
        yield "circuit", "is not allowed: give circuits"
    circuits = value.get("circuits")
    if value.get("gateset") not in list(GATES):
        yield "gateset", f"is required and must be one of {', '.join(GATES)}"
    elif not isinstance(circuits, list) or not all(isinstance(circuit, dict) for circuit in circuits):
        yield "circuits", "is required and must be a list of objects"
    elif len(circuits) > CIRCUITS_LIMIT:
        yield "circuits", f"must have at most {CIRCUITS_LIMIT} circuits, not {len(circuits)}"
    else:
        for index, circuit in enumerate(circuits):
            for name, problem in _in_one_of_many(circuit, value["gateset"]):
                yield f"circuits[{index}].{name}", problem
        gates = sum(len(gates) for circuit in circuits if isinstance(gates := circuit.get("circuit"), list))
        if gates > GATES_LIMIT:
            yield "circuits", f"must have at most {GATES_LIMIT} gates in total, not {gates}"


def _in_one_of_many(circuit: dict[str, Any], gateset: str) -> Iterator[tuple[str, str]]:
    yield from unknown_names(circuit, _OF_MANY).items()
    yield from _in_qubits(circuit)
    own = circuit.get("gateset", gateset)
    if own not in list(GATES):
        yield "gateset", f"must be one of {', '.join(GATES)}"
    elif not isinstance(circuit.get("circuit"), list):
        yield "circuit", "is required and must be a list of gates"
    else:
        yield from _in_gates(circuit["circuit"], own, "circuit")
    if circuit.get("name") is not None and not isinstance(circuit["name"], str):
        yield "name", "must be a string"
    registers = circuit.get("registers")
    if registers is not None and not (
        isinstance(registers, dict) and all(_is_register(qubits) for qubits in registers.values())
    ):
        yield "registers", "must be an object of lists of qubits or null"


def _in_program(value: dict[str, Any]) -> Iterator[tuple[str, str]]:
    # "qubits" is not in the API's description, but qiskit-ionq sends it with every program.
    yield from unknown_names(value, frozenset({"data", "qubits"})).items()
    if not isinstance(value.get("data"), str):
        yield "data", "is required and must be a string"


def _in_function(value: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if not isinstance(value.get("data"), dict):
        yield "data", "is required and must be an object"


def _in_problem(_value: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield from ()


_INPUTS: dict[str, Callable[[dict[str, Any]], Iterator[tuple[str, str]]]] = {
    "ionq.circuit.v1": _in_circuit,
    "ionq.multi-circuit.v1": _in_circuits,
    "ionq.qasm3.v1": _in_program,
    "quantum-function": _in_function,
    "qctrl.qaoa.v1": _in_problem,
}


def _in_qubits(value: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if value.get("qubits") is not None and not (_is_int32(value["qubits"]) and value["qubits"] >= 1):
        yield "qubits", "must be a whole number from 1"


def _in_gates(gates: list[Any], gateset: str, path: str) -> Iterator[tuple[str, str]]:
    for index, gate in enumerate(gates):
        if not isinstance(gate, dict):
            yield f"{path}[{index}]", "must be an object"
            continue
        if gate.get("gate") not in list(GATES[gateset]):
            yield f"{path}[{index}].gate", f"must be a gate of the gate set {gateset}"
        for name, value in gate.items():
            if name not in _OF_GATE:
                yield f"{path}[{index}].{name}", "is not allowed"
            elif not _OF_GATE[name](value):
                yield f"{path}[{index}].{name}", f"must not be {value!r:.100}"


def _is_qubit(value: Any) -> bool:
    return is_number(value) and value >= 0 and value == int(value)


def _is_register(value: Any) -> bool:
    return isinstance(value, list) and all(qubit is None or _is_qubit(qubit) for qubit in value)


def _is_list_of(is_item: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(is_item(item) for item in value)


# The description leaves out the fields of "pauliexp", and cirq-ionq sends "phase" for the native gate "zz".
_OF_GATE: dict[str, Callable[[Any], bool]] = {
    "gate": lambda value: isinstance(value, str),
    "target": _is_qubit,
    "control": _is_qubit,
    "targets": _is_list_of(_is_qubit),
    "controls": _is_list_of(_is_qubit),
    "rotation": is_number,
    "phase": is_number,
    "angle": is_number,
    "time": is_number,
    "phases": _is_list_of(is_number),
    "coefficients": _is_list_of(is_number),
    "terms": _is_list_of(lambda value: isinstance(value, str)),
}


def _is_shots(value: object) -> bool:
    # The API accepts numeric text too: cirq-ionq sends only that.
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= _SHOTS_DIGITS:
        value = int(value)
    return type(value) is int and 1 <= value <= _SHOTS_LIMIT


def _is_int32(value: object) -> bool:
    return type(value) is int and -(2**31) <= value < 2**31
