"""Why a job fails. No I/O and no lock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

FAILURE_CODES = (
    "InvalidInput CompilationError ContractExpiredError DebiasingError InternalError NotEnoughQubits OptimizationError "
    "PreflightError QuantumCircuitComplexityError QuantumComputerError QuotaExhaustedError SimulationError "
    "SimulationTimeout SystemCancel TooLongPredictedExecutionTime TooManyControls TooManyGates TooManyShots "
    "UnknownBillingError UnsupportedGate"
).split()
# A job with another code fails when it is checked: it never starts.
_WHILE_RUNNING = frozenset(
    {"InternalError", "QuantumComputerError", "SimulationError", "SimulationTimeout", "SystemCancel"}
)


@dataclass(frozen=True)
class Failure:
    """
    Why a job fails.

    :param code: one of IonQ's codes.
    :param message: any text.
    """

    code: str = "InternalError"
    message: str = "The emulator was configured to fail this job."

    def __post_init__(self) -> None:
        if self.code not in FAILURE_CODES:
            raise ValueError(f"code must be one of {', '.join(FAILURE_CODES)}, not {self.code!r}")
        if not isinstance(self.message, str):
            raise ValueError(f"message must be a string, not {self.message!r}")

    @property
    def at_check(self) -> bool:
        """Whether the job fails before it starts."""
        return self.code not in _WHILE_RUNNING


class PlannedFailure(NamedTuple):
    """
    The failure of a job that has not been submitted yet.

    :param failure: why it fails.
    :param circuits: positions of the circuits that fail while the job is completed; none if the whole job fails.
    """

    failure: Failure
    circuits: frozenset[int] = frozenset()
