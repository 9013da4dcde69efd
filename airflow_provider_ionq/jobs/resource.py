"""Jobs as a resource to wait for."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from airflow_provider_ionq.jobs.failure import is_final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_provider_ionq.api.client import IonQClient
    from airflow_provider_ionq.api.models import Job


class JobResource:
    """
    The jobs of a project. A list shows the requested jobs, up to the size of a page.

    A job in a list lacks `child_job_ids`, which IonQ describes for a single job only.
    """

    name = "job"
    id_field = "job_id"
    lists_whole_items = False

    @property
    def ids_per_list(self) -> int:
        """The number of jobs on a page: more ids would take more requests in any case."""
        # Imported here because it loads the HTTP library, which parsing a DAG must not.
        from airflow_provider_ionq.api.jobs import IDS_PER_REQUEST

        return IDS_PER_REQUEST

    def get(self, client: IonQClient, item_id: str) -> Job:
        """Read one job."""
        return client.get_job(item_id)

    def list_many(self, client: IonQClient, ids: Sequence[str]) -> Iterator[Job]:
        """Read jobs with one request, or with more if the API returns smaller pages."""
        from airflow_provider_ionq.api.jobs import is_job

        # Without the limit, a page that holds all of them would be followed by a request for an empty one.
        jobs = islice(client.iter_jobs(ids=ids, limit=self.ids_per_list), len(ids))
        return (job for job in jobs if is_job(job))

    def id_of(self, item: Job) -> str:
        """Return a job's id."""
        return item["id"]

    def is_final(self, item: Job) -> bool:
        """Return whether a job is completed, failed or canceled."""
        return is_final(item)

    def new_observer(self) -> None:
        """Return None: each waiter waits for one job."""


JOBS = JobResource()
