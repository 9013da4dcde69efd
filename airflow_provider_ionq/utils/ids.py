"""The ids of sessions and jobs as arguments of operators and sensors: templated, or taken from an item's JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from airflow_provider_ionq.api.ids import id_of, parsed
from airflow_provider_ionq.exceptions import IonQFailException

_QUOTED_CHARACTERS = 100


class ItemId:
    """
    The templated attribute of an operator or sensor for an id; the JSON of a session or job is replaced by its id.

    A descriptor, because Airflow assigns the rendered value: Airflow then also shows the id in the rendered fields and
    as the label of a mapped task.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, operator: Any, owner: type | None = None) -> Any:
        """Return the id, or the given value if it contains no id."""
        if operator is None:
            return self
        try:
            return vars(operator)[self._name]
        except KeyError:
            raise AttributeError(self._name) from None

    def __set__(self, operator: Any, value: object) -> None:
        """Set an id, an item's JSON, or its text."""
        # In the instance's own dictionary, which Airflow copies.
        vars(operator)[self._name] = id_of(value)


class LabelledWithId:
    """
    A mixin for operators and sensors on one item: the item's id is the label of a mapped task.

    Must precede Airflow's base class. An explicit `map_index_template` overrides the label.
    """

    id_as_map_index: ClassVar[str]
    """The default `map_index_template`. Airflow's column holds 250 characters, and PostgreSQL rejects more."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # In a mapped task group, a task that is not mapped itself has a label too.
        if "map_index_template" not in kwargs and self.map_index_template is None:
            self.map_index_template: str | None = self.id_as_map_index

    @classmethod
    def partial(cls, **kwargs: Any) -> Any:
        """Set the arguments that all instances of a mapped task share; see Airflow's method."""
        partial: Any = super().partial(**kwargs)  # type: ignore[misc]
        # Airflow reads the label's template from here, not from the instance on a worker.
        if "map_index_template" not in kwargs and partial.kwargs.get("map_index_template") is None:
            partial.kwargs["map_index_template"] = cls.id_as_map_index
        return partial


class TakesSessionId(LabelledWithId):
    """A mixin for operators and sensors on one session, which have the argument `session_id`."""

    session_id = ItemId()
    id_as_map_index = "{{ task.session_id | string | truncate(64) }}"


class TakesJobId(LabelledWithId):
    """A mixin for operators and sensors on one job, which have the argument `job_id`."""

    job_id = ItemId()
    id_as_map_index = "{{ task.job_id | string | truncate(64) }}"


def checked_id(value: object, field: str) -> str:
    """
    Return the id that an argument rendered to.

    :param value: the rendered argument: an id, or an item's JSON or its text.
    :param field: name of the argument, such as `session_id`.
    :raises IonQFailException: if it is not a valid id; quotes the rendered value and explains what to pass instead.
    """
    found = id_of(value)
    if not isinstance(found, str) or parsed(found) is not found or found.strip() in ("", ".", "..", "None"):
        shown = repr(value)
        if len(shown) > _QUOTED_CHARACTERS:
            shown = f"{shown[:_QUOTED_CHARACTERS]}..."
        raise IonQFailException(
            f"{field} must be the id of an IonQ {field.removesuffix('_id')}, but it rendered to {shown}"
            f" ({type(value).__name__}): {_advice_for(value, field)}"
        )
    return found


def _advice_for(value: object, field: str) -> str:
    given = parsed(value)
    if isinstance(given, Mapping) and not isinstance(given.get("id"), str):
        return 'the object has no "id"; pass the id itself, such as create.output["id"]'
    if isinstance(given, Sequence) and not isinstance(given, str):
        return f"pass one id, or map the task over the list with .expand({field}=...)"
    return "check that the upstream task pushes an id"
