"""Read the result of one circuit from the API, without Airflow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from airflow_provider_ionq.api.json_text import json_object, json_text
from airflow_provider_ionq.circuits.layout import CircuitLayout
from airflow_provider_ionq.results.artifacts import (
    AGGREGATION,
    HISTOGRAM,
    PROBABILITIES,
    REGISTER_SHOTS,
    SHOTS,
    Artifact,
    find,
)
from airflow_provider_ionq.results.bits import Bits
from airflow_provider_ionq.results.decode import (
    Decoded,
    decode_numbered,
    decode_numbered_shots,
    decode_register_shots,
    decode_undocumented,
    qubits_of_states,
)

if TYPE_CHECKING:
    from airflow_provider_ionq.api.client import IonQClient
    from airflow_provider_ionq.api.models import Job
    from airflow_provider_ionq.results.models import CircuitResult, Distribution
    from airflow_provider_ionq.results.wanted import Wanted

QASM = "ionq.qasm3.v1"


class NoSuchResultError(ValueError):
    """The job does not have the wanted result, and never will."""


@dataclass(frozen=True, slots=True)
class Circuit:
    """
    One circuit of a completed job.

    :param job: the JSON of its own job, which is a child of a multi-circuit job.
    :param layout: its layout; None without one.
    :param qubits: number of qubits; None if it is unknown.
    :param shots: number of shots; None if it is unknown.
    """

    job: Job
    layout: CircuitLayout | None
    qubits: int | None
    shots: int | None

    @property
    def bits(self) -> Bits | None:
        """The bits of the circuit; None if their number is unknown."""
        if self.layout is not None:
            return Bits(self.layout)
        return None if self.qubits is None else Bits(CircuitLayout(self.qubits, source=self.source))

    @property
    def source(self) -> str:
        """The source of a circuit without a layout."""
        return "openqasm" if self.is_qasm else "ionq"

    @property
    def is_qasm(self) -> bool:
        """Whether it is an OpenQASM program, which has registers of its own."""
        return self.job.get("type") == QASM

    def without_result(self) -> CircuitResult:
        """Return the fields of the result that are known without reading it."""
        failure = self.job.get("failure")
        return {
            "name": self.job.get("name"),
            "job_id": self.job["id"],
            "status": self.job["status"],
            "failure": None if failure is None else cast("dict[str, Any]", failure),
            "qubits": self.qubits or 0,
        }


def read_circuit(client: IonQClient, circuit: Circuit, wanted: Wanted, probabilities: object = None) -> CircuitResult:
    """
    Return the result of a circuit.

    :param client: a client of the API.
    :param circuit: the circuit, whose job is completed.
    :param wanted: what to read.
    :param probabilities: its probabilities of format v1, if they were read already; else None.
    :raises NoSuchResultError: if the job does not have the wanted result.
    :raises ValueError: if the result cannot be decoded.
    :raises IonQError: if the result cannot be read.
    """
    job_id, results = circuit.job["id"], circuit.job.get("results")
    if wanted.aggregation is not None:
        artifact = _aggregation(circuit.job, wanted.aggregation)
        return _result(circuit, decode_undocumented(artifact.read(client, job_id)), None, artifact.format, wanted)
    if wanted.variant is not None:
        variant = _variant(circuit.job, wanted.variant)
        results, shots = variant.get("results"), variant.get("shots")
        circuit = replace(circuit, shots=shots if isinstance(shots, int) else None)
    if circuit.is_qasm and (found := find(results, REGISTER_SHOTS)) is not None:
        bits = None if circuit.layout is None else Bits(circuit.layout)
        decoded, bits = decode_register_shots(found.iterate(client, job_id, "shots"), bits)
        return _result(circuit, decoded, bits, found.format, wanted)
    if circuit.layout is not None and circuit.layout.mid_circuit:
        raise NoSuchResultError(
            "a qubit of the circuit is used after its measurement, and the job has no shots of the registers: run it on"
            " a QPU, or on the simulator with a noise model"
        )
    name, content = _numbered(client, job_id, results, wanted, probabilities)
    bits = circuit.bits or Bits(CircuitLayout(qubits_of_states(content), source=circuit.source))
    if name == SHOTS:
        decoded = decode_numbered_shots(content, bits)
    else:
        decoded = decode_numbered(content, bits, counted=name == HISTOGRAM)
    return _result(circuit, decoded, bits, name, wanted)


def _numbered(
    client: IonQClient, job_id: str, results: object, wanted: Wanted, probabilities: object
) -> tuple[str, object]:
    """Return the format and the content of a result of format v1."""
    artifact = find(results, SHOTS) if "shots" in wanted.content else None
    if artifact is None and probabilities is not None:
        return PROBABILITIES, probabilities
    artifact = artifact or find(results, HISTOGRAM, SHOTS, PROBABILITIES)
    if artifact is not None:
        return artifact.format, artifact.read(client, job_id)
    if wanted.variant is not None:
        raise ValueError(f"variant {wanted.variant!r} has no results")
    return PROBABILITIES, client.get_probabilities(job_id)


def _result(circuit: Circuit, decoded: Decoded, bits: Bits | None, format_name: str, wanted: Wanted) -> CircuitResult:
    shots = decoded.shots or circuit.shots
    whole: Distribution = {}
    if "probabilities" in wanted.content:
        whole["probabilities"] = decoded.probabilities()
    if "counts" in wanted.content and shots is not None:
        whole["counts"] = decoded.counts(shots)
    samples = decoded.samples if "shots" in wanted.content else None
    if not whole and samples is None:
        advice = "give shots, or read" if "counts" in wanted.content else "read counts or"
        raise NoSuchResultError(f"it has no {' or '.join(wanted.content)}: {advice} probabilities")
    result = circuit.without_result()
    result |= whole  # type: ignore[typeddict-item]
    result["shots"] = shots
    result["registers"] = {} if bits is None else {name: bits.marginal(whole, at) for name, at in bits.registers}
    if samples is not None:
        result["samples"] = samples
    result["kind"] = "measured" if decoded.counted else "derived"
    result["format"] = format_name
    layout = circuit.layout or (None if bits is None else bits.layout)
    result["source"] = circuit.source if layout is None else layout.source
    result["bit_order"] = "undocumented" if bits is None else bits.layout.bit_order
    if not circuit.qubits:
        result["qubits"] = len(next(iter(decoded.weights))) if bits is None else bits.layout.qubits
    return result


def _aggregation(job: Job, name: str) -> Artifact:
    found = json_object(json_object(json_object(job.get("output")).get("error_mitigation")).get("aggregations"))
    artifact = find({AGGREGATION: found.get(name)}, AGGREGATION)
    if artifact is None:
        raise NoSuchResultError(
            f"it has no aggregation {name!r}; it has {', '.join(map(json_text, found)) or 'none: it was not debiased'}"
        )
    return artifact


def _variant(job: Job, variant_id: str) -> Mapping[str, Any]:
    debiasing = json_object(json_object(json_object(job.get("output")).get("error_mitigation")).get("debiasing"))
    variants = debiasing.get("variants")
    known = {
        one["variant_id"]: one
        for one in (variants if isinstance(variants, list) else [])
        if isinstance(one, Mapping) and isinstance(one.get("variant_id"), str)
    }
    if variant_id not in known:
        names = ", ".join(map(json_text, known)) or "none: it was not debiased"
        raise NoSuchResultError(f"it has no variant {variant_id!r}; it has {names}")
    return known[variant_id]
