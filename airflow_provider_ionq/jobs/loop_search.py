"""The jobs that earlier tries of a loop submitted, without Airflow. They are listed once, not once for each place."""

from __future__ import annotations

import dataclasses
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow_provider_ionq.api.errors import IonQAddressError, IonQError, IonQNotFoundError, IonQNotReadableError
from airflow_provider_ionq.api.jobs import is_job
from airflow_provider_ionq.jobs.earlier import OwnJob, own_jobs
from airflow_provider_ionq.jobs.intent import History
from airflow_provider_ionq.jobs.loop_record import Place
from airflow_provider_ionq.jobs.resource import JOBS
from airflow_provider_ionq.jobs.search import find_own
from airflow_provider_ionq.jobs.token import Token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from airflow_provider_ionq.api.models import Job
    from airflow_provider_ionq.jobs.intent import JobIntent
    from airflow_provider_ionq.jobs.loop_record import LoopRecord
    from airflow_provider_ionq.waiting.request_clients import RequestClients


class EarlierJobs:
    """
    The jobs of earlier tries, by their place in the loop.

    :param record: the record of the loop.
    :param identity_of: returns the identity of a place.
    :param generation: changes when the task is cleared.
    :param sleep: function that waits a number of seconds.
    """

    def __init__(
        self,
        record: LoopRecord,
        identity_of: Callable[[int], str],
        generation: int,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._record = record
        self._identity_of = identity_of
        self._generation = generation
        self._sleep = sleep
        self._by_identity: dict[str, dict[str, Job]] = {}
        self._places: tuple[int, ...] = ()

    def load(self, clients: RequestClients) -> None:
        """
        List the jobs.

        :param clients: the clients of the loop.
        :raises IonQNotReadableError: if they cannot be listed.
        """
        with _refusing("The jobs that earlier tries of the loop submitted"):
            self._record.load()
            if self._record.places:
                self._list_known(clients)
                self._search_for_unknown(clients)
            elif self._record.store.jobs_unknown:
                self._add(clients.current.iter_jobs())
                # A place without a job is rare: a user may have deleted it.
                self._note(range(1, 2 * len(self._by_identity) + 1))
        self._places = tuple(sorted(self._record.places))

    def search_again(self, clients: RequestClients) -> None:
        """
        Search for the job of a request of this try whose outcome is unknown.

        :param clients: the clients of the loop.
        :raises IonQNotReadableError: if the jobs cannot be listed.
        """
        with _refusing("The jobs of the loop"):
            self._search_for_unknown(clients)

    def at(self, place: int) -> list[OwnJob]:
        """Return the jobs of a place, in the order of their submission."""
        identity = self._identity_of(place)
        return own_jobs(self._by_identity.get(identity, {}).values(), identity)

    def after(self, place: int) -> Iterator[tuple[int, OwnJob]]:
        """Return the later places of the earlier tries and their jobs."""
        return ((later, one) for later in self._places if later > place for one in self.at(later))

    def check_still_there(self, place: int, clients: RequestClients) -> None:
        """
        Check that the last job of a place is known: a list may lag behind, and a user may have deleted a job.

        :param place: number of the place.
        :param clients: the clients of the loop.
        :raises IonQNotReadableError: if it does not exist any more, or cannot be read.
        """
        known = self._record.places.get(place)
        if known is None or known.history.generation != self._generation or not known.history.job_ids:
            return
        job_id = known.history.job_ids[-1]
        if any(one.job_id == job_id for one in self.at(place)):
            return
        try:
            self._add([clients.client_of(known.connection).get_job(job_id)])
        except IonQError as error:
            gone = isinstance(error, IonQNotFoundError) and not isinstance(error, IonQAddressError)
            text = (
                "does not exist any more, so its result cannot be read. No other was submitted: clear the task to run"
                " the loop anew."
                if gone
                else f"cannot be read. No other was submitted: {error}"
            )
            raise IonQNotReadableError(
                f"Job {job_id}, which an earlier try submitted as run {place} of the loop, {text}",
                retryable=error.retryable,
            ) from None

    def _list_known(self, clients: RequestClients) -> None:
        by_connection: dict[str | None, list[str]] = {}
        for place in self._record.places.values():
            by_connection.setdefault(place.connection, []).extend(place.history.job_ids)
        for connection, ids in by_connection.items():
            client = clients.client_of(connection)
            for start in range(0, len(ids), JOBS.ids_per_list):
                self._add(JOBS.list_many(client, ids[start : start + JOBS.ids_per_list]))

    def _search_for_unknown(self, clients: RequestClients) -> None:
        """Search for the jobs of requests whose outcome is unknown."""
        for number, place in list(self._record.places.items()):
            if place.intent is None:
                continue
            found = self._of_request(number, place.intent, clients)
            self._add(one.job for one in found)
            history = place.history
            for one in found:
                history = history.with_job(one.token, one.job_id)
            self._record.put(number, dataclasses.replace(place, history=history, intent=None))

    def _of_request(self, place: int, intent: JobIntent, clients: RequestClients) -> list[OwnJob]:
        client = clients.single_attempt_of(intent.connection)
        return find_own(client, intent, self._identity_of(place), sleep=self._sleep)

    def _add(self, jobs: Iterable[Job]) -> None:
        for job in jobs:
            token = Token.of_job(job) if is_job(job) else None
            if token is not None:
                self._by_identity.setdefault(token.identity, {})[job["id"]] = job

    def _note(self, places: Iterable[int]) -> None:
        """Add the jobs that were found without a record."""
        for number in places:
            history = History(generation=self._generation)
            for one in (own := self.at(number)):
                history = history.with_job(one.token, one.job_id)
            if own:
                self._record.places[number] = Place(history)


@contextmanager
def _refusing(jobs: str) -> Iterator[None]:
    """
    Add to an error that nothing was submitted.

    :param jobs: the jobs that cannot be listed.
    :raises IonQNotReadableError: in place of another error of the API.
    """
    try:
        yield
    except IonQError as error:
        raise IonQNotReadableError(
            f"{jobs} cannot be listed, so no other job was submitted: {error}", retryable=error.retryable
        ) from None
