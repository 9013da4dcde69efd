"""One poll of a sensor's item, and what it means for the task: the same on a worker before, during and after a wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_ionq.exceptions import IonQFailException
from airflow_provider_ionq.utils.ids import checked_id
from airflow_provider_ionq.utils.tasks import fail_on_permanent_errors
from airflow_provider_ionq.waiting.decision import Outcome
from airflow_provider_ionq.waiting.durations import duration_text

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseSensorOperator, Context

    from airflow_provider_ionq.waiting.blocking_poller import BlockingPoller
    from airflow_provider_ionq.waiting.decision import Decision
    from airflow_provider_ionq.waiting.resource import Resource
    from airflow_provider_ionq.waiting.target import Target

    _Sensor = BaseSensorOperator
else:
    _Sensor = object


class PollsItem(_Sensor):
    """
    A mixin that polls one item of a resource, decides on it and logs what a person should know.

    Must precede Airflow's base class. A subclass sets the resource, the trigger and the error, and implements the
    methods that raise NotImplementedError.
    """

    resource: ClassVar[Resource[Any]]
    """The resource of the awaited item."""

    trigger_class_path: ClassVar[str]
    """Class path of the trigger, an :class:`~airflow_provider_ionq.triggers.base.IonQResourceTrigger`."""

    impossible_error: ClassVar[type[IonQFailException]]
    """Raised if the awaited state is impossible."""

    target_fields: ClassVar[tuple[str, ...]]
    """The templated arguments of the target."""

    ionq_conn_id: str

    def target(self) -> Target[Any]:
        """
        Return the target; its arguments must be rendered.

        :raises IonQFailException: if they rendered to an invalid target.
        """
        raise NotImplementedError

    def checked_id(self) -> str:
        """
        Return the rendered id of the awaited item.

        :raises IonQFailException: if it rendered to an invalid id.
        """
        return checked_id(self.item_id, self.resource.id_field)

    def trigger_arguments(self) -> dict[str, Any]:
        """Return the trigger's arguments for the target."""
        raise NotImplementedError

    def describe(self, item: Any) -> str:
        """Return the item's state, such as "its status is 'created'", to follow "at the last poll" or "Not yet:"."""
        raise NotImplementedError

    def advice(self, item: Any, decision: Decision, context: Context, *, first: bool) -> str | None:
        """
        Return advice on an item, in addition to the decision's reason; None without any.

        :param first: whether it is the first poll of this try.
        """
        return None

    @property
    def item_id(self) -> Any:
        """The argument with the id of the awaited item."""
        return getattr(self, self.resource.id_field)

    def _forget_polls(self) -> None:
        self._poller: BlockingPoller[Any] | None = None
        self._seen = "it had not been read"
        self._warned = False
        self._progress: str | None = None

    def _poll(self, *, first: bool = False, refused_before: bool = False) -> Any:
        if self._poller is None:
            from airflow_provider_ionq.hooks.ionq import IonQHook
            from airflow_provider_ionq.waiting.blocking_poller import BlockingPoller

            # Not earlier: the connection id is a template until the task runs.
            hook = IonQHook(self.ionq_conn_id, max_retries=0)
            self._poller = BlockingPoller(self.resource, self.ionq_conn_id, hook.get_settings, self.log)
        try:
            item_id = self.checked_id()
            with fail_on_permanent_errors(self.ionq_conn_id):
                item = self._poller.poll(item_id, first=first, refused_before=refused_before)
        except IonQFailException as error:
            self._log_before_skip(error)
            raise
        self._seen = f"it could not be read: {self._poller.failure}" if item is None else self.describe(item)
        return item

    def _is_met(self, item: Any, context: Context, *, first: bool = False) -> bool:
        decision = self.target().decide(item)
        advice = self.advice(item, decision, context, first=first)
        if decision.outcome is Outcome.IMPOSSIBLE:
            error = self.impossible_error(f"{decision.reason} {advice}" if advice else decision.reason)
            self._log_before_skip(error)
            raise error
        if decision.outcome is Outcome.MET:
            self.log.info("%s", decision.reason)
            if advice:
                self.log.warning("%s", advice)
        elif decision.warning and not self._warned:
            self._warned = True
            self.log.warning("%s", decision.warning)
        if decision.progress not in (None, self._progress):
            self._progress = decision.progress
            self.log.info("%s", decision.progress)
        return decision.outcome is Outcome.MET

    def _log_before_skip(self, error: IonQFailException) -> None:
        # Airflow's log of a skip gives soft_fail as the reason, not the error.
        if self.soft_fail or self.never_fail:
            self.log.warning("%s", error)

    def _explain_wait(self, item: Any) -> None:
        self.log.info(
            "Not yet: %s. Polling every %s for at most %s.",
            self.describe(item),
            duration_text(self.poke_interval),
            duration_text(self.timeout),
        )
        if hint := self.target().hint(item):
            self.log.warning("%s", hint)
