"""
What a loop stores about its jobs, without Airflow.

The places of a loop are stored in pages, so that neither a write nor the number of reads grows much with the loop. A
place is written twice: before its request, and when the id of its job is known.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_ionq.jobs.intent import History, JobIntent

if TYPE_CHECKING:
    from collections.abc import Mapping

PLACES_PER_PAGE = 25


class LoopStore(Protocol):
    """Storage that outlives the process of a loop."""

    jobs_unknown: bool
    """Whether an earlier try may have submitted jobs of which nothing is stored."""

    def page(self, number: int) -> Mapping[str, Any] | None:
        """Return a page that was stored, counted from 0; None without one."""

    def store_page(self, number: int, page: dict[str, Any]) -> None:
        """Store a page."""

    def check_owner(self, place: int) -> None:
        """
        Check right before a request that this process is still the one that runs the task.

        :param place: the place of the job.
        :raises Exception: if it is not, or that is unknown: then nothing is submitted.
        """


@dataclass(frozen=True, slots=True)
class Place:
    """
    What is known about one place of a loop.

    :param history: the jobs that were submitted for it since the task was cleared.
    :param connection: id of the Airflow connection of the last request.
    :param intent: the last request while it is unknown whether it submitted a job; else None.
    """

    history: History
    connection: str | None = None
    intent: JobIntent | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        intent = None if self.intent is None else self.intent.as_json()
        return {"history": self.history.as_json(), "connection": self.connection, "intent": intent}

    @classmethod
    def of_json(cls, value: Mapping[str, Any]) -> Place:
        """Return it from the JSON of :meth:`as_json`."""
        intent = value["intent"]
        return cls(
            History.of_json(value["history"]),
            value["connection"],
            None if intent is None else JobIntent.of_json(intent),
        )


class LoopRecord:
    """
    The places of a loop that submitted a job.

    :param store: storage that outlives this process.
    """

    def __init__(self, store: LoopStore) -> None:
        self.store = store
        self.places: dict[int, Place] = {}

    def load(self) -> None:
        """Read what earlier tries stored."""
        number = 0
        while (page := self.store.page(number)) is not None:
            self.places |= {int(place): Place.of_json(value) for place, value in page.items()}
            number += 1

    def put(self, number: int, place: Place | None) -> None:
        """
        Store a place.

        :param number: number of the place, from 1.
        :param place: what is known about it; None for nothing.
        """
        if place is None:
            self.places.pop(number, None)
        else:
            self.places[number] = place
        page = (number - 1) // PLACES_PER_PAGE
        numbers = range(page * PLACES_PER_PAGE + 1, (page + 1) * PLACES_PER_PAGE + 1)
        self.store.store_page(page, {str(one): self.places[one].as_json() for one in numbers if one in self.places})


class PlaceMemory:
    """
    The :class:`~airflow_provider_ionq.jobs.intent.JobMemory` of one place in a loop.

    :param record: the record of the loop.
    :param number: number of the place.
    :param generation: changes when the task is cleared.
    :param job_id: id of the job of an earlier try to continue with; None without one.
    """

    def __init__(self, record: LoopRecord, number: int, generation: int, job_id: str | None) -> None:
        self._record = record
        self._number = number
        self._job_id = job_id
        known = record.places.get(number, Place(History(generation=generation)))
        if known.history.generation != generation:
            known = Place(History(generation=generation))
        self._place = known

    def item_id(self) -> str | None:
        """Return the id of the job to continue with."""
        return self._job_id

    def intent(self) -> JobIntent | None:
        """Return None: the loop has found the jobs of earlier tries."""

    def history(self) -> History:
        """Return the jobs that were submitted for the place."""
        return self._place.history

    def store_history(self, history: History) -> None:
        """Keep the history, to be stored with the intent."""
        self._place = dataclasses.replace(self._place, history=history)

    def store_intent(self, intent: JobIntent) -> None:
        """Store the intent before the request, if this process still runs the task."""
        token = intent.token
        history = self._place.history if token is None else self._place.history.with_job(token, None)
        self._record.store.check_owner(self._number)
        self._put(Place(history, intent.connection, intent))

    def store_id(self, item_id: str) -> None:
        """Store the id of the submitted job."""
        history = self._place.history
        ids = tuple(dict.fromkeys((*history.job_ids, item_id)))
        self._put(dataclasses.replace(self._place, history=dataclasses.replace(history, job_ids=ids), intent=None))

    def publish_id(self, item_id: str) -> None:
        """Do nothing: no other task cancels the job."""

    def forget(self) -> None:
        """Store that the last request submitted no job, or that its job is of no use."""
        self._job_id = None
        if self._place.intent is not None:
            self._put(dataclasses.replace(self._place, intent=None))

    def _put(self, place: Place) -> None:
        self._place = place
        self._record.put(self._number, place)
