"""The life cycle of a shift."""

from dispatch.core.lifecycle import Machine, move
from dispatch.registry.tables import ShiftStatus

SHIFTS = Machine(
    "shift",
    ShiftStatus,
    [
        move(
            "report_on_duty",
            [ShiftStatus.PLANNED],
            ShiftStatus.ON_DUTY,
            "crew", "dispatcher", "admin", "system",
        ),
        move(
            "report_off_duty",
            [ShiftStatus.ON_DUTY],
            ShiftStatus.OFF_DUTY,
            "crew", "dispatcher", "admin", "system",
        ),
        move("return_to_duty", [ShiftStatus.OFF_DUTY], ShiftStatus.ON_DUTY, "dispatcher", "admin"),
    ],
)  # fmt: skip
"""A crew reports on duty and off duty; only the office calls it back."""
