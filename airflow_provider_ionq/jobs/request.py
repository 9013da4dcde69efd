"""
The arguments of a job, and the body of the request that submits it.

Pure: no I/O, no clock, no Airflow.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_ionq.api.arguments import (
    backend_of,
    is_absent,
    plain_numbers,
    whole_of,
)
from airflow_provider_ionq.api.ids import id_of
from airflow_provider_ionq.api.json_text import is_number, json_object, json_text
from airflow_provider_ionq.circuits.layout import LAYOUTS_KEY, CircuitLayout, encode_layouts
from airflow_provider_ionq.jobs.arguments import SIMULATOR
from airflow_provider_ionq.jobs.circuits import MOST_QUBITS, SINGLE, CircuitSize, source_of
from airflow_provider_ionq.jobs.programs import programs_of
from airflow_provider_ionq.jobs.request_fields import dumped, metadata_of, noise_of, settings_of, text_of
from airflow_provider_ionq.jobs.token import TOKEN_KEY
from airflow_provider_ionq.sessions.rehearsal import backend_of_rehearsal

DEFAULT_SHOTS = 100
MOST_SHOTS = 1_000_000
LEAST_SHOTS_FOR_DEBIASING = 500
LARGEST_BODY = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """
    A job to submit. Validated by :meth:`of`.

    :param backend: name of the device or simulator.
    :param job_type: type of the job, such as `ionq.circuit.v1`.
    :param input: `input` of the request.
    :param sizes: size of each circuit; None for OpenQASM, which is not parsed here.
    :param shots: number of shots; None for the API's default of 100.
    :param name: name of the job; None without one.
    :param metadata: metadata of the user.
    :param noise: noise model of the simulator; None without one.
    :param settings: `settings` of the request.
    :param dry_run: compile and price the job without running it.
    :param session_id: id of the session; None without one.
    :param rehearsal_of: name of the device in whose place the simulator runs the job; None if it is no rehearsal.
    :param layouts: layout of each circuit, None for one without; None altogether if no circuit has one.
    """

    backend: str
    job_type: str
    input: Mapping[str, Any]
    sizes: tuple[CircuitSize, ...] | None
    shots: int | None = None
    name: str | None = None
    metadata: Mapping[str, str] = dataclasses.field(default_factory=dict)
    noise: Mapping[str, Any] | None = None
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    dry_run: bool = False
    session_id: str | None = None
    rehearsal_of: str | None = None
    layouts: tuple[CircuitLayout | None, ...] | None = None

    @classmethod
    def of(
        cls,
        backend: object,
        *,
        circuit: object = None,
        circuits: object = None,
        qasm: object = None,
        gateset: str | None = None,
        qubits: object = None,
        shots: object = None,
        name: object = None,
        metadata: object = None,
        noise: object = None,
        error_mitigation: object = None,
        settings: object = None,
        dry_run: bool = False,
        session_id: object = None,
        rehearse: bool = False,
    ) -> JobRequest:
        """
        Validate the arguments of a job, which :class:`~airflow_provider_ionq.jobs.arguments.JobArguments` explains.

        Numbers and JSON may be text, as a template renders them, and numbers may be NumPy's. None and empty text mean
        that an argument is absent.

        :param rehearse: make it a job for the simulator, with the noise model of the device. So is a job in a session
            that is rehearsed.
        :raises ValueError: naming the argument and the problem.
        """
        backend = backend_of(backend)
        session_id = id_of(session_id)
        if (rehearsed := backend_of_rehearsal(session_id)) is not None:
            if rehearsed != backend:
                raise ValueError(f"the session is on {rehearsed}, so a job for {backend} cannot be submitted to it")
            rehearse = True
        target = SIMULATOR if rehearse else backend
        wanted = "a whole number from 1"
        programs = programs_of(plain_numbers(circuit), plain_numbers(circuits), qasm)
        job_type, job_input, sizes = source_of(
            programs.circuit,
            programs.circuits,
            programs.qasm,
            gateset,
            whole_of("qubits", qubits, wanted, MOST_QUBITS),
        )
        request = cls(
            backend=target,
            job_type=job_type,
            input=job_input,
            sizes=sizes,
            shots=whole_of("shots", shots, f"{wanted} to {MOST_SHOTS}", MOST_SHOTS),
            name=text_of("name", programs.name if is_absent(name) else name),
            metadata=metadata_of(metadata),
            noise=noise_of(plain_numbers(noise), target),
            settings=settings_of(plain_numbers(settings), plain_numbers(error_mitigation), job_type),
            dry_run=dry_run,
            session_id=text_of("session_id", session_id),
            layouts=programs.layouts,
        )
        if request.debiases and (request.shots or DEFAULT_SHOTS) < LEAST_SHOTS_FOR_DEBIASING:
            raise ValueError(
                f"debiasing needs at least {LEAST_SHOTS_FOR_DEBIASING} shots, not {request.shots or DEFAULT_SHOTS}"
            )
        if len(dumped("the job", request.body())) > LARGEST_BODY:
            raise ValueError(f"the job is larger than the limit of {LARGEST_BODY // 1024**2} MB")
        return request._rehearsed(backend) if rehearse else request

    def _rehearsed(self, device: str) -> JobRequest:
        """Return the job without the device's own settings and session, with its noise model unless one is given."""
        settings = {name: value for name, value in self.settings.items() if name != "error_mitigation"}
        noise = self.noise
        if noise is None and device != SIMULATOR:
            noise = {"model": device.removeprefix("qpu.")}
        return dataclasses.replace(self, settings=settings, noise=noise, session_id=None, rehearsal_of=device)

    @property
    def is_free(self) -> bool:
        """Whether the backend is the simulator, which has no price."""
        return self.backend == SIMULATOR

    @property
    def debiases(self) -> bool:
        """Whether the job uses debiasing."""
        return json_object(self.settings.get("error_mitigation")).get("debiasing") is True

    @property
    def qubits(self) -> int | None:
        """The number of qubits of the largest circuit; None for OpenQASM."""
        return None if self.sizes is None else max(size.qubits for size in self.sizes)

    def check_fits(self, backend: Mapping[str, Any]) -> None:
        """
        Check that a device has enough qubits.

        :param backend: JSON of the device; a number of qubits that is not a number is ignored.
        :raises ValueError: if it has too few.
        """
        qubits = backend.get("qubits")
        if self.qubits is not None and is_number(qubits) and self.qubits > qubits:
            raise ValueError(f"the job needs {self.qubits} qubits, but {self.backend} has {qubits}")

    def check_registers_are_measured(self) -> None:
        """
        Check that the job will have results in the registers of its circuits.

        :raises ValueError: if a qubit is used after its measurement, and the ideal simulator, which measures nothing,
            runs the job.
        """
        is_ideal = self.is_free and (self.noise is None or self.noise.get("model") == "ideal")
        if is_ideal and any(layout is not None and layout.mid_circuit for layout in self.layouts or ()):
            raise ValueError(
                "a qubit of the circuit is used after its measurement, and the ideal simulator has no results of such"
                " registers: give noise, or run it on a QPU"
            )

    def body(self, token: str | None = None) -> dict[str, Any]:
        """
        Return the body of `POST /jobs`.

        :param token: the token in the metadata; None without one.
        """
        layouts = None if self.layouts is None else encode_layouts(self.layouts)
        own = {TOKEN_KEY: token, LAYOUTS_KEY: layouts}
        metadata = dict(self.metadata) | {key: text for key, text in own.items() if text is not None}
        optional = {
            "shots": self.shots,
            "name": self.name,
            "metadata": metadata or None,
            "noise": self.noise,
            "settings": self.settings or None,
            "dry_run": self.dry_run or None,
            "session_id": self.session_id,
        }
        given = {field: value for field, value in optional.items() if value is not None}
        return {"type": self.job_type, "backend": self.backend, "input": self.input} | given

    def fingerprint(self) -> str:
        """
        Return 32 hexadecimal digits that are the same for the same work.

        Name, metadata and session do not count, nor does the order of keys or whether a default is written out.
        """
        body = self.body()
        for field in ("name", "metadata", "session_id"):
            body.pop(field, None)
        body["shots"] = self.shots or DEFAULT_SHOTS
        canonical = json.dumps(_canonical(body), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:32]

    def __str__(self) -> str:
        what = "an OpenQASM program"
        if self.sizes is not None:
            gates = sum(size.gates for size in self.sizes)
            circuits = "a circuit" if self.job_type == SINGLE else f"{len(self.sizes)} circuits"
            what = f"{circuits} of {self.qubits} qubits and {gates} gates"
        noise = "" if self.noise is None else f" and the noise of {json_text(self.noise.get('model'))}"
        dry = ", as a dry run" if self.dry_run else ""
        return f"{self.backend}{noise} with {what} and {self.shots or DEFAULT_SHOTS} shots{dry}"


def _canonical(value: Any) -> Any:
    """Return a JSON value with each number in one form only: a whole number is an int, and there is no -0.0."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: _canonical(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_canonical(one) for one in value]
    return value
