"""The results of a circuit, which are computed when they are first read."""

from __future__ import annotations

import hashlib
import json
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.emulator.account_data import is_ideal, shots_of
from airflow_provider_ionq.emulator.artifacts import AGGREGATIONS, KINDS, VARIANTS, Artifact, Kind
from airflow_provider_ionq.emulator.circuits import circuits_of, mitigates

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from airflow_provider_ionq.emulator.outcomes import Distribution, Sample, Source

# An aggregation other than the average keeps the states that this many variants have seen.
_SEEN_BY = {"average": 1, "voting": 2, "majority": 3, "dnl": 4}


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
        return KINDS[:1] if is_ideal(self._payload) else KINDS

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

    def content(self, artifact: Artifact) -> str:
        """
        Return the content of an artifact as JSON text.

        :raises TooLarge: the emulator does not compute circuits of this size.
        """
        # Loaded here, as below: an emulator whose results nobody reads needs no numerical library.
        from airflow_provider_ionq.emulator import formats

        with self._lock:
            probabilities, sample = self._computed = self._computed or self._compute()
        if artifact.kind == "probabilities" and artifact.of_whole_job and probabilities is not None:
            return formats.exact(probabilities, artifact.version, self._qubits)
        part = slice(None) if artifact.variant is None else slice(artifact.variant, None, VARIANTS)
        if artifact.kind == "shots":
            return formats.shots(sample, artifact.version, part)
        counts = sample.counts(part) if artifact.aggregation is None else _aggregated(sample, artifact.aggregation)
        return formats.frequencies(sample, counts, artifact.kind, artifact.version)

    @property
    def _qubits(self) -> int:
        (circuit,) = circuits_of(self._payload)
        return circuit.qubits

    def _compute(self) -> tuple[dict[str, float] | None, Sample]:
        """Return the probabilities, which are None where only shots are known, and the shots."""
        from airflow_provider_ionq.emulator import outcomes

        shots = 0 if is_ideal(self._payload) else shots_of(self._payload)
        registers, distribution_of = self._circuit()
        if self._given is not None:
            return self._given, outcomes.given(self._given, self._qubits, registers, shots, self._seeds())
        distribution = distribution_of()
        if shots:
            return None, distribution.sample(shots, self._seeds())
        return distribution.probabilities(), outcomes.NO_SHOTS

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


def _aggregated(sample: Sample, aggregation: str) -> dict[int, int]:
    """Return counts of as many shots, of the states that enough variants have seen."""
    from airflow_provider_ionq.emulator.outcomes import apportion

    counts = sample.counts()
    variants = [sample.counts(slice(variant, None, VARIANTS)) for variant in range(VARIANTS)]
    kept = [index for index in counts if sum(index in seen for seen in variants) >= _SEEN_BY[aggregation]]
    kept = kept or list(counts)
    return dict(zip(kept, apportion([counts[index] for index in kept], len(sample.shots)), strict=True))
