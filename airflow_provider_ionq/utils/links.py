"""Links from tasks to IonQ's web pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperatorLink, XCom

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


class IonQJobLink(BaseOperatorLink):
    """
    Link to the job that a task submitted, in the IonQ Quantum Cloud Console.

    IonQ documents only the address of the list of jobs. The connection's `console_job_url` can give that of one job.
    """

    name = "IonQ job"

    XCOM_KEY = "_link_IonQJobLink"
    """The key under which Airflow 3 looks for the address; the operator pushes it right after the submission."""

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """
        Return the address that the task pushed; empty if it has submitted no job.

        :param operator: the task's operator; not used.
        :param ti_key: the task instance.
        """
        return XCom.get_value(ti_key=ti_key, key=self.XCOM_KEY) or ""
