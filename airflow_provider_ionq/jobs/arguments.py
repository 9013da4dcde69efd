"""The arguments of a job, and the values of those that are a choice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping

SIMULATOR = "simulator"
"""The backend that is free, and takes a noise model."""

COST_CHECKS = ("estimate", "dry_run")
"""How the price of a job is determined."""

ON_CHANGED_INPUT = ("fail", "resubmit")
"""What a retry does if an earlier try submitted a job for another input."""


class JobArguments(TypedDict, total=False):
    """
    The arguments of a job besides its backend. Exactly one of `circuit`, `circuits` and `qasm` is required.

    :param circuit: IonQ's gates, or its `input` object with them as `circuit`; or the text of either as JSON.
    :param circuits: several circuits of one job, each like `circuit` and with an optional `name`.
    :param qasm: an OpenQASM 3 program.
    :param gateset: `qis`, the default, or `native`.
    :param qubits: number of qubits; None counts those that the gates use.
    :param shots: number of shots, 1 to 1,000,000; None for the API's default of 100.
    :param name: name of the job in IonQ's console; None for none.
    :param metadata: labels of the job, text to text.
    :param noise: noise model of the simulator: its name, or an object with `model` and `seed`.
    :param error_mitigation: IonQ's settings of error mitigation, such as `{"debiasing": True}`.
    :param settings: further `settings` of the API.
    :param dry_run: compile and price the job without running it.
    :param session_id: id of the session of the job, or its JSON; None for no session.
    """

    circuit: Any
    circuits: Any
    qasm: str | None
    gateset: str | None
    qubits: int | str | None
    shots: int | str | None
    name: str | None
    metadata: Mapping[str, str] | str | None
    noise: Mapping[str, Any] | str | None
    error_mitigation: Mapping[str, Any] | str | None
    settings: Mapping[str, Any] | str | None
    dry_run: bool
    session_id: str | Mapping[str, Any] | None
