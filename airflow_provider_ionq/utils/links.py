"""Links from tasks to IonQ's web pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator


class IonQConsoleLink(BaseOperatorLink):
    """
    Link to the IonQ Quantum Cloud Console, which shows an organisation's jobs.

    It opens the front page: IonQ documents no address for a single session.
    """

    name = "IonQ Quantum Cloud Console"

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """
        Return the console's address.

        :param operator: the task's operator; not used.
        :param ti_key: the task instance; not used.
        """
        return "https://cloud.ionq.com"
