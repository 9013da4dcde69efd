"""Texts that Airflow shows for a session group and its four tasks."""

from __future__ import annotations

GROUP_TOOLTIP = "An IonQ session: created before the tasks inside, and always ended after them."

TASK_DOCS = {
    "begin": (
        "Succeeds at once and runs nothing. No session is created before it. Because it has succeeded, `end_session`"
        " runs even if `create_session` fails or is stopped."
    ),
    "create_session": (
        "Creates an IonQ session, which costs money until `end_session` has ended it. When the device has no capacity,"
        " this task waits for it, deferred by default. The result is the session's JSON."
    ),
    "work_done": (
        "Shows that all tasks of the session are done, **in any state**: it is green even when they failed. Runs"
        " nothing. `end_session` waits for it, and the run's state follows from the tasks themselves."
    ),
    "end_session": (
        "Ends the IonQ session, and confirms its end: also when tasks failed, or when the run is marked failed."
        " If this task is red, a session may be open and cost money: the log names it. Clear this task to end it."
    ),
}
