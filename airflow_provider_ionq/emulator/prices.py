"""Prices, and the answer of ``GET /jobs/estimate``. No I/O and no lock."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.emulator.account_data import BACKENDS, ORGANIZATION_ID, PROJECT_ID
from airflow_provider_ionq.emulator.circuits import Circuit
from airflow_provider_ionq.emulator.payload import BadRequest
from airflow_provider_ionq.emulator.state import is_duration, timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

UNITS = ("usd", "credit")
_INT32_MAX = 2**31 - 1
_SHOTS_LIMIT = 1_000_000
# Of a trapped-ion device, rounded: microseconds for gates, and for readout and reset of a shot.
_GATE_1Q_US = 130
_GATE_2Q_US = 970
_SHOT_US = 200
# Name of the parameter, its default and its lowest and highest value, as the API documents them.
_NUMBERS = {
    "qubits": (25, 1, _INT32_MAX),
    "shots": (1000, 1, _SHOTS_LIMIT),
    "1q_gates": (0, 0, _INT32_MAX),
    "2q_gates": (0, 0, _INT32_MAX),
}
# "session" is not in the API's description, but qiskit-ionq sends it with every estimate.
ESTIMATE_PARAMETERS = frozenset({"backend", "type", "error_mitigation", "session", *_NUMBERS})


@dataclass(frozen=True)
class Price:
    """
    What a job costs on a backend: its gates times its shots, but at least the minimum.

    :param unit: ``usd`` or ``credit``.
    :param cost_1q_gate: cost of a one-qubit gate in one shot.
    :param cost_2q_gate: cost of a two-qubit gate in one shot.
    :param job_cost_minimum: least cost of a circuit.
    :param error_mitigation_minimum: least cost of a circuit with error mitigation.
    """

    unit: str = "usd"
    cost_1q_gate: float = 0.0001645
    cost_2q_gate: float = 0.001121
    job_cost_minimum: float = 12.42
    error_mitigation_minimum: float = 97.5

    def __post_init__(self) -> None:
        if self.unit not in UNITS:
            raise ValueError(f"unit must be one of {', '.join(UNITS)}, not {self.unit!r}")
        for name, value in asdict(self).items():
            if name != "unit" and not is_duration(value):
                raise ValueError(f"{name} must be a number from 0, not {value!r}")

    def of(self, circuits: Iterable[Circuit], shots: int, *, error_mitigation: bool) -> float:
        """Return the cost of circuits in :attr:`unit`, each charged by itself."""
        minimum = self.error_mitigation_minimum if error_mitigation else self.job_cost_minimum
        return round(sum(max(self._of_gates(circuit, shots), minimum) for circuit in circuits), 6)

    def _of_gates(self, circuit: Circuit, shots: int) -> float:
        return shots * (circuit.gates_1q * self.cost_1q_gate + circuit.gates_2q * self.cost_2q_gate)


DEFAULT_PRICES = {name: Price() for name in BACKENDS if name != "simulator"}


def compute_time_us(circuits: Iterable[Circuit], shots: int) -> int:
    """Return the quantum compute time of circuits in microseconds, at most what 32 bits hold."""
    per_shot = sum(circuit.gates_1q * _GATE_1Q_US + circuit.gates_2q * _GATE_2Q_US + _SHOT_US for circuit in circuits)
    return min(shots * per_shot, _INT32_MAX)


def estimate(query: Mapping[str, list[str]], prices: Mapping[str, Price] | None, now: float) -> dict[str, Any]:
    """
    Return the answer of ``GET /jobs/estimate``.

    IonQ does not document the answer for a backend without a price: here it has neither a cost nor a unit.

    :param query: the values of each query parameter.
    :param prices: price of each backend.
    :param now: epoch seconds.
    :raises BadRequest: a parameter is invalid, or the backend is missing.
    """
    context = _context(query)
    circuit = Circuit(context["qubits"], context["1q_gates"], context["2q_gates"])
    price = (prices or {}).get(context["backend"])
    rates = []
    if price is not None:
        rates.append(
            {
                "sku": f"emulated.{context['backend']}",
                "unit": "gates",
                "cost_1q_gate": price.cost_1q_gate,
                "cost_2q_gate": price.cost_2q_gate,
                "job_cost_minimum": price.job_cost_minimum,
            }
        )
    answer = {
        "estimate_context": {**context, "organization": ORGANIZATION_ID, "project": PROJECT_ID},
        "estimated_at": timestamp(now),
        "rate_card": {"id": "emulated", "rates": rates},
        "estimated_execution_time": compute_time_us([circuit], context["shots"]) // 1000,
        "current_predicted_queue_time": BACKENDS[context["backend"]]["average_queue_time"],
    }
    if price is not None:
        answer["estimated_unit"] = price.unit
        answer["estimated_total_cost"] = price.of(
            [circuit], context["shots"], error_mitigation=context["error_mitigation"]
        )
    return answer


def _context(query: Mapping[str, list[str]]) -> dict[str, Any]:
    values = {name: texts[0] for name, texts in query.items()}
    if values.get("backend") not in list(BACKENDS):
        raise BadRequest(f'"backend" is required and must be one of {", ".join(BACKENDS)}', "query", "backend")
    mitigation = values.get("error_mitigation", "false")
    if mitigation not in ("true", "false"):
        raise BadRequest('"error_mitigation" must be true or false', "query", "error_mitigation")
    context: dict[str, Any] = {
        "backend": values["backend"],
        "type": values.get("type", "ionq.circuit.v1"),
        "error_mitigation": mitigation == "true",
    }
    for name, (default, lowest, highest) in _NUMBERS.items():
        text = values.get(name, str(default))
        if not (text.isascii() and text.isdecimal() and len(text) <= 10 and lowest <= int(text) <= highest):
            raise BadRequest(f'"{name}" must be a whole number from {lowest} to {highest}', "query", name)
        context[name] = int(text)
    return context
