"""Which end-to-end tests run one after the other in the same Airflow, and in which order."""

from __future__ import annotations

from pathlib import PurePath

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

VERSIONS = "test_airflow_versions"
# What takes longest begins first, so that two stacks side by side come to their ends at about the same time. Next to
# each other are one that keeps the processors busy and one that waits.
LONGEST_FIRST = (
    "test_network_faults",
    VERSIONS,
    "test_loops",
    "test_leak_table",
    "test_job_table",
    "test_stopped_runs",
    "test_partial_reruns",
)
ALONE = (
    "test_process_faults",
    "test_no_session_is_left_open_when_a_process_of_airflow_dies",
    "test_job_is_submitted_once_although_one_of_two_triggerers_is_killed",
)
"""Modules whose tests share nothing, and tests that share nothing with the others of their module. They fill gaps."""


def unit_of(nodeid: str) -> str:
    """
    Return the name of the tests that stay together: those of a module, because they share what it has played.

    :param nodeid: pytest's id of the test.
    """
    path, _, test = nodeid.partition("::")
    module, (function, _, parameters) = PurePath(path).stem, test.partition("[")
    if module == VERSIONS:
        return f"{path} {parameters.rpartition('-')[2]}"
    return nodeid if module in ALONE or function in ALONE else path


def rank_of(nodeid: str) -> int:
    """
    Return the place of a test in the order of all.

    :param nodeid: pytest's id of the test.
    """
    if unit_of(nodeid) == nodeid:
        return len(LONGEST_FIRST) + 1
    module = PurePath(nodeid.partition("::")[0]).stem
    return LONGEST_FIRST.index(module) if module in LONGEST_FIRST else len(LONGEST_FIRST)


class UnitScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Give each unit to the next Airflow that is free."""

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)
