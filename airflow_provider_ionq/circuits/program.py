"""Convert a circuit of another library to IonQ's JSON. The library is loaded only for a circuit of it. No Airflow."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any, Literal

from airflow_provider_ionq.api.json_text import json_text
from airflow_provider_ionq.circuits.openqasm import openqasm3_of

Gateset = Literal["qis", "native"]


def to_ionq_program(circuit: object, *, gateset: Gateset = "qis", name: str | None = None) -> dict[str, Any]:
    """
    Return a circuit as plain JSON, for an XCom and for `circuit` and `circuits` of operator, hook and loop.

    The JSON also has the `layout` of the circuit, by which its results are read in its own classical registers or
    measurement keys. The same circuit always gives the same JSON.

    A circuit of Qiskit or Cirq must have measurements, as on their own simulators. IonQ measures all qubits, but the
    results have only what the circuit measures. A Qiskit circuit with a measurement or reset that is not at its end
    becomes an OpenQASM 3 program, which must be the only circuit of its job.

    :param circuit: a Qiskit `QuantumCircuit`, a Cirq `Circuit`, or the text of an OpenQASM 3 program, which is not
        parsed.
    :param gateset: `qis`, or `native` for a circuit of IonQ's native gates.
    :param name: name of the circuit in results and in IonQ's console; None for none. The circuit's own name is not
        used, because the libraries generate such names.
    :raises ValueError: naming the circuit, the problem and what to do: the extra that is not installed, parameters
        without a value, a gate that IonQ does not have, missing measurements, and others.
    """
    if gateset not in ("qis", "native"):
        raise ValueError(f"gateset must be 'qis' or 'native', not {json_text(gateset)}")
    if name is not None and (not isinstance(name, str) or not name.strip()):
        raise ValueError(f"name must be text or None, not {json_text(name)}")
    shown = getattr(circuit, "name", None) if name is None else name
    where = f"circuit {shown!r}" if isinstance(shown, str) else "circuit"
    program = _program(circuit, gateset, where)
    if name is not None:
        program["name"] = name
    plain: dict[str, Any] = _plain(where, program)
    return plain


def source_of_job(value: Any, *, gateset: str | None = None) -> dict[str, Any]:
    """
    Return circuits as the argument of a job: `circuit` for one circuit, `circuits` for a list of circuits.

    :param value: a circuit, or a list of circuits: each IonQ's JSON, which is returned as it is, a program of
        :func:`to_ionq_program`, or what that function takes. A list of IonQ's gates is one circuit.
    :param gateset: gate set of the circuits of a library; None for `qis`.
    :raises ValueError: naming the circuit and the problem; see :func:`to_ionq_program`.
    """
    is_list = isinstance(value, (list, tuple))
    if not is_list or (value and all(isinstance(one, Mapping) and "gate" in one for one in value)):
        return {"circuit": _json_of(value, gateset)}
    if not value:
        raise ValueError("the list of circuits is empty")
    circuits = []
    for index, one in enumerate(value):
        try:
            circuits.append(_json_of(one, gateset))
        except ValueError as error:
            raise ValueError(f"circuits[{index}]: {error}") from None
    return {"circuits": circuits}


def _json_of(circuit: object, gateset: Any) -> Any:
    is_json = isinstance(circuit, (Mapping, list, tuple))
    return circuit if is_json else to_ionq_program(circuit, gateset=gateset or "qis")


def library_of(circuit: object) -> str | None:
    """
    Return the library of a circuit, `qiskit` or `cirq`; None for anything else. Loads no library.

    :param circuit: any value.
    """
    packages = {str(kind.__module__).partition(".")[0] for kind in type(circuit).__mro__}
    return next((library for library in ("qiskit", "cirq") if library in packages), None)


def _program(circuit: object, gateset: Gateset, where: str) -> dict[str, Any]:
    if isinstance(circuit, str):
        if gateset != "qis":
            raise ValueError(f"gateset cannot be {gateset!r} for OpenQASM, which declares its own gates")
        return {"qasm": openqasm3_of(where, circuit)}
    library = library_of(circuit)
    if library is None:
        advice = ""
        if isinstance(circuit, (Mapping, Sequence)) and not isinstance(circuit, bytes):
            advice = ". IonQ's JSON needs no conversion; convert several circuits one by one"
        raise ValueError(
            f"{where} must be a Qiskit QuantumCircuit, a Cirq Circuit or the text of an OpenQASM 3 program, not a"
            f" {type(circuit).__name__}{advice}"
        )
    try:
        if library == "qiskit":
            from airflow_provider_ionq.circuits.qiskit import program_of
        else:
            from airflow_provider_ionq.circuits.cirq import program_of
    except ImportError as error:
        raise ValueError(
            f"{where} is a circuit of {library.title()}, which needs the extra {library!r}:"
            f" pip install 'airflow-provider-ionq[{library}]' ({error})"
        ) from None
    return program_of(circuit, gateset, where)


def _plain(where: str, value: Any) -> Any:
    """Return a value with the numbers of NumPy and SymPy converted to those of Python."""
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(f"{key} of {where}", one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(f"{where}[{index}]", one) for index, one in enumerate(value)]
    if isinstance(value, Integral):
        return int(value)
    number = float(value) if isinstance(value, Real) or hasattr(value, "__float__") else math.nan
    if not math.isfinite(number):
        raise ValueError(f"{where} must be a finite number, not {value!r}")
    return number
