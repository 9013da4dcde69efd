"""The results of a job, as plain JSON: what hook, operators and loops return. Types only."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

Content = Literal["probabilities", "counts", "shots"]

CONTENT: tuple[Content, ...] = ("probabilities", "counts", "shots")
"""What can be read of a result."""


class Distribution(TypedDict):
    """
    The distribution of bit strings, each in the `bit_order` of the result. Only the requested keys are present.

    :param probabilities: probability of each bit string.
    :param counts: number of shots with each bit string. The sum is the number of shots.
    """

    probabilities: NotRequired[dict[str, float]]
    counts: NotRequired[dict[str, int]]


class CircuitResult(Distribution):
    """
    The result of one circuit.

    The bit strings are those that the library of the circuit prints, over all registers, separated by spaces: the last
    register of Qiskit is leftmost, the first key of Cirq is. Without registers they have one bit for each qubit.

    :param name: name of the circuit; None without one.
    :param job_id: id of its own job, which is a child of a multi-circuit job.
    :param status: status of that job. Without `completed` there are no distributions.
    :param failure: IonQ's `code` and `message` if it failed, else None.
    :param qubits: number of qubits.
    :param shots: number of shots that are counted; None if unknown.
    :param registers: the distribution of each register, by its name; empty without registers.
    :param samples: bit string of each shot, in their order.
    :param bit_order: `little-endian` if bit 0 is rightmost, `big-endian` if it is leftmost, or `undocumented`: then the
        strings are those that IonQ sent.
    :param kind: whether the counts were `measured`, or `derived` from probabilities.
    :param format: IonQ's name of the format that was read.
    :param source: library of the circuit: `ionq`, `qiskit`, `cirq` or `openqasm`.
    """

    name: str | None
    job_id: str
    status: str
    failure: dict[str, Any] | None
    qubits: int
    shots: NotRequired[int | None]
    registers: NotRequired[dict[str, Distribution]]
    samples: NotRequired[list[str]]
    bit_order: NotRequired[Literal["little-endian", "big-endian", "undocumented"]]
    kind: NotRequired[Literal["measured", "derived"]]
    format: NotRequired[str]
    source: NotRequired[str]


class JobResults(TypedDict):
    """
    The results of a job.

    :param job_id: id of the job.
    :param status: its status.
    :param type: type of the job, such as `ionq.circuit.v1`.
    :param circuits: result of each circuit, in the order of submission; empty for a job with inline results.
    :param inline: the inline results of a `quantum-function` or `qctrl.qaoa.v1` job.
    """

    job_id: str
    status: str
    type: str
    circuits: list[CircuitResult]
    inline: NotRequired[dict[str, Any]]
