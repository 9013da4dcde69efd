"""
Create an item that costs money, so that none is lost and none is created twice, without Airflow.

Rules of this file:

- The create request is sent once.
- The intent is stored before the request, and the item's id as soon as it is known.
- After a request whose outcome is unknown, nothing is created before a search for its item.
- A created item is reported to Airflow or ended, whatever fails later.
- Nothing is created, or kept, that no task would end.
"""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, Any, Generic

from airflow_provider_ionq.api.errors import (
    IonQCreateStoppedError,
    IonQError,
    IonQNoEndTaskError,
    IonQNotReadableError,
)
from airflow_provider_ionq.waiting.backoff import poll_until
from airflow_provider_ionq.waiting.creation import IntentT, ItemT, Reuse
from airflow_provider_ionq.waiting.durations import duration_text
from airflow_provider_ionq.waiting.publisher import Publisher
from airflow_provider_ionq.waiting.safe_log import SafeLog
from airflow_provider_ionq.waiting.signals import defer_signals
from airflow_provider_ionq.waiting.stop import end_in_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.waiting.creation import Creation, Memory

SHOW_SECONDS = 30.0
"""Longest time that the API may take to show an item that it has created."""


class CreateOnce(Generic[ItemT, IntentT]):
    """
    Create one item, over as many attempts and processes as needed.

    :param creation: what is particular to the resource and the request.
    :param memory: storage that outlives this process.
    :param log: the task's logger.
    :param sleep: function that waits a number of seconds.
    """

    def __init__(
        self,
        creation: Creation[ItemT, IntentT],
        memory: Memory[IntentT],
        log: Any,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.item_id: str | None = None
        self.refusal: IonQError | None = None
        """Why there is no capacity for now."""
        self._creation = creation
        self._words = creation.wording
        self._memory = memory
        self._log = SafeLog(log)
        self._sleep = sleep
        self._stopped = False
        self._end_requested = False
        self._stop_outcome: str | None = None
        """What :meth:`stop` has done about the item."""

    def create(self) -> ItemT | None:
        """
        Find the item of an earlier process, or create one; hand it to the downstream tasks and return it.

        :return: None when there is no capacity for now: `refusal` is the reason.
        :raises IonQNoEndTaskError: when no task of the run would end it; an item of an earlier process is ended.
        :raises IonQNotReadableError: when the item of an earlier process cannot be read.
        :raises IonQNotEndedError: when an item had to be ended, and its end is not confirmed.
        :raises IonQNotPublishedError: when it could not be reported to Airflow; it has ended.
        :raises IonQCreateStoppedError: after :meth:`stop`.
        :raises IonQError: on transient errors, and when the API or the connection refuses the request.
        """
        item = self._from_earlier_try() or self._create_another()
        self._check_stopped()
        if item is not None:
            self._confirm(item)
            publisher = self._publisher(item["id"])
            publish = publisher.publish_or_end if self._creation.needs_hand_on else publisher.publish
            publish(lambda: self._creation.hand_on(item))
            self._check_stopped()
        return item

    def stop(self, *, always: bool = False) -> None:
        """
        Create no further item, and end the created one, within the seconds that a killed task has left.

        :param always: end it also if there is a reason to keep it.
        """
        self._stopped = True
        if self.item_id is None or self._end_requested:
            return
        if (reason := self._creation.reason_to_keep()) is not None and not always:
            self._stop_outcome = f"{self._words.named(self.item_id)} goes on, because {reason}"
            self._log.warning("This task is ending: %s. It may cost money.", self._stop_outcome)
            self._end_requested = True
            return
        self._log.warning("This task is ending: %s %s.", self._words.ending, self._words.named(self.item_id))
        stopped = end_in_time(self.item_id, self._words, self._creation.request_end, self._log)
        self._stop_outcome, self._end_requested = stopped.outcome, stopped.done

    def _check_stopped(self) -> None:
        if self._stopped:
            nothing = f"no {self._words.item} was created"
            created = f"{self._words.named(self.item_id)} was created" if self.item_id else nothing
            raise IonQCreateStoppedError(f"The task is being killed: {self._stop_outcome or created}.")

    def _check_end_task(self, done: str, end: Callable[[], None] | None = None) -> None:
        """
        Raise if no task would end the item.

        :param done: what was done about it, for the error.
        :param end: ends the item first; None if there is none.
        """
        if (reason := self._creation.missing_end_reason()) is not None:
            if end is not None:
                end()
            raise IonQNoEndTaskError(f"{reason} {done}")

    def _confirm(self, item: ItemT) -> None:
        try:
            self._creation.confirm(item)
            return
        except IonQError as error:
            refused = error
        self._log.warning(
            "%s %s: it must not continue.", self._words.ending.capitalize(), self._words.named(item["id"])
        )
        self._end_created()
        raise refused

    def _from_earlier_try(self) -> ItemT | None:
        item_id, intent = self._memory.item_id(), self._memory.intent()
        if item_id is not None:
            item = self._continue_with(item_id, intent)
        elif intent is not None:
            self._log.warning(
                "An earlier try requested a %s, and the outcome is unknown: searching for it.", self._words.item
            )
            item = self._recover(intent, None)
            if item is None:
                self._log.info("There is no %s of the earlier try to continue with.", self._words.item)
        else:
            return None
        if item is None:
            self._memory.forget()
        return item

    def _continue_with(self, item_id: str, intent: IntentT | None) -> ItemT | None:
        """Return the item of an earlier try if it may be used, else make sure that it ends."""
        item, words = self._words.titled(item_id), self._words
        try:
            # It costs money, so even permanent errors are retried.
            read = poll_until(lambda: self._creation.read(item_id, intent), SHOW_SECONDS, sleep=self._sleep)
        except IonQError as error:
            request = self._creation.describe(intent)
            raise IonQNotReadableError(
                f"{item}, which an earlier try created on {request}, cannot be read and may cost money; no other was"
                f" created: {error}"
            ) from None
        reuse, reason = self._creation.judge(read, intent)
        if reuse is Reuse.REPLACE:
            self._log.info("%s, created by an earlier try, %s: creating another.", item, reason)
            return None
        self._check_end_task(
            f"{item}, which an earlier try created, has been {words.ended}.",
            lambda: self._creation.end(item_id, intent),
        )
        if reuse is Reuse.END_AND_REPLACE:
            self._log.warning("%s, created by an earlier try, will be %s: %s.", item, words.ended, reason)
            self._creation.end(item_id, intent)
            self._log.info("%s has been %s: creating another.", item, words.ended)
            return None
        self.item_id = item_id
        self._log.info("%s was created by an earlier try: continuing with it.", item)
        return read

    def _create_another(self) -> ItemT | None:
        nothing = f"No {self._words.item} was created."
        self._check_end_task(nothing)
        if (item := self._creation.without_request()) is not None:
            self._record_id(item)
            return item
        intent = self._creation.next_intent()
        # Checked again: `next_intent` may take minutes, in which the end task may be marked or started.
        self._check_end_task(nothing)
        self._memory.store_intent(intent)
        with defer_signals(signal.SIGTERM, signal.SIGALRM):
            # A signal that arrives now is handled only when the id to end the item by is known.
            self._check_stopped()
            item, lost = self._send(intent)
            self.item_id = None if item is None else item["id"]
        if item is not None:
            self._record_id(item)
            self._end_if_no_task_will(item["id"])
            created = f"{self._words.named(item['id'])} on {self._creation.describe()}"
            self._log.info("Created %s%s.", created, self._creation.details(item))
            return self._read_when_shown(item)
        return None if lost is None else self._recover(intent, lost)

    def _send(self, intent: IntentT) -> tuple[ItemT | None, IonQError | None]:
        """Send the request; return the item, or the error after which it may have been created, or neither."""
        self.refusal = None
        try:
            return self._creation.send(intent), None
        except IonQError as error:
            if error.may_have_applied:
                return None, error
            self._memory.forget()
            if not self._creation.is_refused_for_now(error):
                raise
            self.refusal = error
            return None, None

    def _recover(self, intent: IntentT, lost: IonQError | None) -> ItemT | None:
        """Return the item of a request whose outcome is unknown; None if there is none of an earlier try."""
        words = self._words
        if lost is not None:
            self._log.warning(
                "No response to the request: searching for the %s it may have created. %s", words.item, lost
            )
        item = self._creation.choose(self._creation.search(intent), intent, lost)
        if item is None:
            if lost is not None:
                raise lost
            return None
        item_id = item["id"]
        self._log.warning("Adopting %s as the one that was requested.", self._words.named(item_id))
        self._check_end_task(
            f"{self._words.titled(item_id)}, adopted as the lost one, has been {words.ended}.",
            lambda: self._creation.end(item_id, intent),
        )
        self._record_id(item)
        return item

    def _record_id(self, item: ItemT) -> None:
        """Report the item's id to other tasks, and store it for a later try."""
        item_id = self.item_id = item["id"]
        publisher, named = self._publisher(item_id), self._words.named(item_id)
        publisher.publish_or_end(lambda: self._memory.publish_id(item_id))
        if (failure := publisher.publish(lambda: self._memory.store_id(item_id))) is not None:
            # The other tasks know the item, so it may be handed on.
            self._log.warning("The id of %s could not be stored for a later try: %s", named, failure)

    def _publisher(self, item_id: str) -> Publisher:
        item = self._words.titled(item_id)
        return Publisher(
            item,
            f"{item} was created on {self._creation.describe()}",
            end=self._end_created,
            ended=f"It has been {self._words.ended}",
            check_stopped=self._check_stopped,
            log=self._log,
            sleep=self._sleep,
        )

    def _end_created(self) -> None:
        if self.item_id is not None:
            self._creation.end(self.item_id)
            self._end_requested = True

    def _end_if_no_task_will(self, item_id: str) -> None:
        """End the item that was just created if its end task was marked during the request."""
        item = self._words.titled(item_id)
        try:
            self._check_end_task(f"{item}, which was just created, has been {self._words.ended}.", self._end_created)
        except IonQNoEndTaskError as error:
            if not error.retryable:
                raise
            # Before the request the end task was still going to run.
            self._log.warning("%s: it cannot be determined whether a task will still end it: %s", item, error)

    def _read_when_shown(self, item: ItemT) -> ItemT:
        """Return the item as soon as the API shows it."""
        try:
            return poll_until(lambda: self._creation.read(item["id"]), SHOW_SECONDS, sleep=self._sleep)
        except IonQError as error:
            self._log.warning(
                "%s was created, but the API has not shown it for %s; using the create response. %s",
                self._words.titled(item["id"]),
                duration_text(SHOW_SECONDS),
                error,
            )
            return item
