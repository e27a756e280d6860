"""Named places where a test may end the process, to show that nothing is lost when a machine does."""

import os

_chosen = os.environ.get("GRIDCREW_CRASH_AT", "")

POINTS = (
    "before_commit", "after_commit", "before_ring", "between_rings", "after_ring",
    "task_claimed", "task_handled", "task_done", "task_failing", "task_failed", "task_postponed",
    "task_handed_back", "lease_renewed",
    "message_sending", "message_accepted", "message_sent", "message_refused",
    "plan_solving", "plan_solved", "plan_proposed",
    "publish_before", "publish_between", "publish_after",
    "sweep_recovered", "sweep_started", "sweep_rung", "sealed",
)  # fmt: skip
"""Every place there is: around each commit, ring, claim, result, sending, plan, publication and sweep."""


def crashpoint(name: str) -> None:
    """End the process at once, as `kill -9` would, when a test chose this place; otherwise do nothing.

    `Settings` refuses the variable in production.
    """
    if _chosen and name == _chosen:
        os._exit(137)
