"""What Airflow shows of a session group and of its four tasks."""

from __future__ import annotations

GROUP_TOOLTIP = "An IonQ session: opened before the tasks inside, ended after them, whatever happens to them."

TASK_DOCS = {
    "begin": (
        "Succeeds at once and runs nothing. Nothing is opened before it. Because it has succeeded, `end_session` runs"
        " even if `create_session` fails or is stopped."
    ),
    "create_session": (
        "Opens an IonQ session, which costs money until `end_session` has ended it. When the device has no capacity,"
        " waits for it, deferred by default. The result is the session's JSON."
    ),
    "work_done": (
        "Says that all tasks of the session are over, **in whatever state**: it is green also when they failed. Runs"
        " nothing. `end_session` waits for it, and the run's state follows from the tasks themselves."
    ),
    "end_session": (
        "Ends the IonQ session, and sees that it has ended: also when tasks failed, or when the run is marked failed."
        " If this task is red, a session may be open and cost money: its log says which. Clear this task to end it."
    ),
}
