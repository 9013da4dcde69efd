"""
The results of a job in IonQ's formats, and their descriptors. Everything is computed when it is first read.

Keys of the formats v1 are decimal, with qubit 0 as the least significant bit. Strings of the formats v2 have bit 0 on
the left. IonQ does not document their order, so a client should read the shots, in which element i is bit i of the
register.
"""

from __future__ import annotations

import hashlib
import json
import threading
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args
from urllib.parse import quote

from airflow_provider_ionq.emulator.account_data import is_ideal, shots_of
from airflow_provider_ionq.emulator.circuits import circuits_of, mitigates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from airflow_provider_ionq.emulator.outcomes import Distribution, Sample, Source

ResultStyle = Literal["both", "artifacts", "urls"]
Kind = Literal["probabilities", "histogram", "shots"]

AGGREGATE = "ionq.result.probabilities-aggregate.json.v1"
AGGREGATIONS = ("average", "voting", "dnl", "majority")
VARIANTS = 4
# An aggregation other than the average keeps the states that this many variants have seen.
_SEEN_BY = {"average": 1, "voting": 2, "majority": 3, "dnl": 4}
_KINDS: tuple[Kind, ...] = get_args(Kind)


class Artifact(NamedTuple):
    """
    One result of a job that can be downloaded.

    :param kind: the quantity.
    :param version: 1 or 2.
    :param variant: index of the variant of a debiased job; None for the whole job.
    :param aggregation: how the variants are combined; None for no mitigation.
    """

    kind: Kind
    version: int = 1
    variant: int | None = None
    aggregation: str | None = None

    @property
    def format(self) -> str:
        """IonQ's name of the format."""
        return f"ionq.result.{self.kind}.json.v{self.version}"

    @property
    def of_whole_job(self) -> bool:
        """Whether the artifact is one of the results of the job, not of its mitigation."""
        return self.variant is None and self.aggregation is None

    def id(self, job_id: str) -> str:
        """Return the id of the artifact of a job."""
        return _id(job_id, self.format, self.variant, self.aggregation)


class CircuitResults:
    """
    The results of one circuit. They depend on nothing but the circuit and how it is run.

    :param payload: the valid body of the job of this circuit.
    :param seed: number that the shots depend on.
    :param index: position of the circuit in its job.
    """

    def __init__(self, payload: Mapping[str, Any], seed: int, index: int = 0) -> None:
        self._payload = payload
        self._seed = seed
        self._index = index
        self._lock = threading.Lock()
        self._given: dict[str, float] | None = None
        self._computed: tuple[dict[str, float] | None, Sample] | None = None

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The quantities that the service has: an ideal simulation is not sampled."""
        return _KINDS[:1] if is_ideal(self._payload) else _KINDS

    @property
    def debiased(self) -> bool:
        """Whether the circuit runs in variants."""
        return mitigates(self._payload.get("settings")) and not is_ideal(self._payload)

    def set(self, probabilities: Mapping[str, float]) -> None:
        """
        Set the results instead of computing them.

        :param probabilities: probability by decimal key.
        """
        with self._lock:
            self._given, self._computed = dict(probabilities), None

    def artifacts(self) -> list[Artifact]:
        """Return all artifacts."""
        found = [Artifact(kind, version) for version in (1, 2) for kind in self.kinds]
        if self.debiased:
            found += [Artifact(kind, variant=variant) for variant in range(VARIANTS) for kind in self.kinds]
            found += [Artifact("histogram", 2, aggregation=aggregation) for aggregation in AGGREGATIONS]
        return found

    def content(self, artifact: Artifact) -> Any:
        """
        Return the content of an artifact, as JSON can express it.

        :raises TooLarge: the emulator does not compute circuits of this size.
        """
        with self._lock:
            probabilities, sample = self._computed = self._computed or self._compute()
        if artifact.kind == "probabilities" and artifact.of_whole_job and probabilities is not None:
            return _exact(probabilities, artifact.version, self._qubits)
        part = slice(None) if artifact.variant is None else slice(artifact.variant, None, VARIANTS)
        if artifact.kind == "shots":
            return _shots(sample, artifact.version, part)
        counts = sample.counts(part) if artifact.aggregation is None else _aggregated(sample, artifact.aggregation)
        return _frequencies(sample, counts, artifact)

    @property
    def _qubits(self) -> int:
        (circuit,) = circuits_of(self._payload)
        return circuit.qubits

    def _compute(self) -> tuple[dict[str, float] | None, Sample]:
        """Return the probabilities, which are None where only shots are known, and the shots."""
        # Loaded here: an emulator whose results nobody reads needs no numerical library.
        from airflow_provider_ionq.emulator import outcomes

        shots = 0 if is_ideal(self._payload) else shots_of(self._payload)
        registers, distribution_of = self._circuit()
        if self._given is not None:
            return self._given, outcomes.given(self._given, self._qubits, registers, shots, self._seeds())
        distribution = distribution_of()
        if shots:
            return None, distribution.sample(shots, self._seeds())
        return distribution.probabilities(), outcomes.Sample([], [])

    def _circuit(self) -> tuple[Mapping[str, Sequence[Source]], Callable[[], Distribution]]:
        """Return where the bits of the registers come from, and what computes the circuit."""
        from airflow_provider_ionq.emulator import outcomes

        value = self._payload["input"]
        if self._payload["type"] == "ionq.circuit.v1":
            return outcomes.sources_of(value.get("registers")), partial(
                outcomes.circuit_distribution, value, self._qubits
            )
        from airflow_provider_ionq.emulator import openqasm, programs

        program = openqasm.program_of(value["data"])
        compilation = (self._payload.get("settings") or {}).get("compilation") or {}
        names = {
            # As in production: only this version of the service keeps the names.
            name: name if compilation.get("service_version") == "v0.4" else f"c{index}"
            for index, name in enumerate(program.registers)
        }
        return programs.program_registers(program, names), partial(programs.program_distribution, program, names)

    def _seeds(self) -> list[int]:
        """
        Return the seed of the shots.

        Without a seed in the job, it follows from the circuit and how it is run, not from the id, name or metadata of
        the job: a workflow that submits the same job again sees the same shots.
        """
        payload = self._payload
        seed = (payload.get("noise") or {}).get("seed")
        if seed is not None:
            return [seed % 2**32, self._index]
        # Without the names of circuits, which are not in the body of the job of one circuit.
        content = [payload.get(name) for name in ("type", "backend", "input", "shots", "noise", "settings")]
        digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).digest()
        return [self._seed, self._index, int.from_bytes(digest[:8], "big")]


def descriptors(job_id: str, artifacts: Iterable[Artifact], style: ResultStyle) -> dict[str, Any]:
    """
    Return where the results of a job are.

    :param job_id: id of the job.
    :param artifacts: artifacts of the whole job, or of one variant.
    :param style: ``artifacts`` for the descriptors of October 2026, ``urls`` for those of May 2026, or ``both``.
    """
    found: dict[str, Any] = {}
    for artifact in artifacts:
        if style != "urls":
            found[artifact.format] = descriptor(artifact.id(job_id), artifact.format)
        if style != "artifacts" and artifact.version == 1:
            variant = "" if artifact.variant is None else f"/variants/{variant_id(job_id, artifact.variant)}"
            found[artifact.kind] = {"url": f"{_path(job_id)}{variant}/results/{artifact.kind}"}
    return found


def aggregate_descriptors(job_id: str, style: ResultStyle) -> dict[str, Any]:
    """Return where the results of a job with several circuits are."""
    found: dict[str, Any] = {}
    if style != "urls":
        found[AGGREGATE] = descriptor(aggregate_id(job_id), AGGREGATE)
    if style != "artifacts":
        found["probabilities"] = {"url": f"{_path(job_id)}/results/probabilities/aggregated"}
    return found


def error_mitigation(job_id: str, results: CircuitResults, size: tuple[int, int], style: ResultStyle) -> dict[str, Any]:
    """
    Return the output of a debiased job: its variants, and the aggregations of them.

    :param job_id: id of the job.
    :param results: results of the job.
    :param size: numbers of qubits and of shots.
    :param style: style of the descriptors of the variants; aggregations have only that of October 2026.
    """
    qubits, shots = size
    artifacts = results.artifacts()
    variants = [
        {
            "variant_id": variant_id(job_id, variant),
            "qubit_map": [(qubit + variant) % qubits for qubit in range(qubits)],
            "shots": len(range(variant, shots, VARIANTS)),
            "results": descriptors(job_id, [one for one in artifacts if one.variant == variant], style),
        }
        for variant in range(VARIANTS)
    ]
    aggregations = {
        one.aggregation: descriptor(one.id(job_id), one.format) for one in artifacts if one.aggregation is not None
    }
    return {"debiasing": {"variants": variants}, "aggregations": aggregations}


def descriptor(artifact_id: str, name: str) -> dict[str, str]:
    """Return the descriptor of an artifact."""
    return {"id": artifact_id, "format": name, "media_type": "application/json"}


def aggregate_id(job_id: str) -> str:
    """Return the id of the artifact of a job with several circuits."""
    return _id(job_id, AGGREGATE)


def variant_id(job_id: str, variant: int) -> str:
    """Return the id of a variant of a job."""
    return _id(job_id, "variant", variant)


def _path(job_id: str) -> str:
    # The id of a test may hold any character.
    return f"/v0.4/jobs/{quote(job_id, safe='')}"


def _id(*parts: object) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, "/".join(map(str, parts))))


def _exact(probabilities: Mapping[str, float], version: int, qubits: int) -> Any:
    if version == 1:
        return dict(probabilities)
    strings = {f"{int(key):0{qubits}b}"[::-1]: probability for key, probability in probabilities.items()}
    return {"probabilities": {"registers": {"output_all": strings}}}


def _shots(sample: Sample, version: int, part: slice) -> Any:
    if version == 1:
        keys = [str(outcome.key) for outcome in sample.outcomes]
        return [keys[index] for index in sample.shots[part]]
    outcomes = [{"registers": outcome.registers} for outcome in sample.outcomes]
    return {"shots": [outcomes[index] for index in sample.shots[part]]}


def _frequencies(sample: Sample, counts: Mapping[int, int], artifact: Artifact) -> Any:
    total = sum(counts.values()) if artifact.kind == "probabilities" else None

    def table(texts: Iterable[str]) -> dict[str, float]:
        sums: dict[str, int] = {}
        for text, count in zip(texts, counts.values(), strict=True):
            sums[text] = sums.get(text, 0) + count
        return {text: count if total is None else count / total for text, count in sums.items()}

    found = [sample.outcomes[index] for index in counts]
    if artifact.version == 1:
        return table(str(outcome.key) for outcome in found)
    names = found[0].registers if found else ()
    registers = {name: table("".join(map(str, outcome.registers[name])) for outcome in found) for name in names}
    return {artifact.kind: {"registers": registers}}


def _aggregated(sample: Sample, aggregation: str) -> dict[int, int]:
    """Return counts of as many shots, of the states that enough variants have seen."""
    from airflow_provider_ionq.emulator.outcomes import apportion

    counts = sample.counts()
    variants = [sample.counts(slice(variant, None, VARIANTS)) for variant in range(VARIANTS)]
    kept = [index for index in counts if sum(index in seen for seen in variants) >= _SEEN_BY[aggregation]]
    kept = kept or list(counts)
    return dict(zip(kept, apportion([counts[index] for index in kept], len(sample.shots)), strict=True))
