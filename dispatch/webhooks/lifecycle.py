"""The life cycles of a subscriber and of a delivery, written by `subscribers.move` and `deliveries.move`."""

from dispatch.core.lifecycle import Machine, move
from dispatch.webhooks.tables import DeliveryStatus, WebhookStatus

_D = DeliveryStatus

WEBHOOKS: Machine[WebhookStatus] = Machine(
    "webhook",
    WebhookStatus,
    (
        move("disable", [WebhookStatus.ACTIVE], WebhookStatus.DISABLED, "admin", "system"),
        move("enable", [WebhookStatus.DISABLED], WebhookStatus.ACTIVE, "admin"),
    ),
)

DELIVERIES: Machine[DeliveryStatus] = Machine(
    "delivery",
    DeliveryStatus,
    (
        move("deliver", [_D.WAITING], _D.DELIVERED, "system"),
        move("give_up", [_D.WAITING], _D.FAILED, "system"),
        move("replay", [_D.DELIVERED, _D.FAILED], _D.WAITING, "admin"),
    ),
)
