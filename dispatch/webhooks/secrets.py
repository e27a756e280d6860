"""The secrets that subscribers verify with: made from the installation's key, and nowhere in the database."""

import base64
import hashlib
import hmac
from datetime import datetime

from standardwebhooks import Webhook as Signer

from dispatch.webhooks.tables import Webhook


def secret_of(key: bytes, webhook_id: str, number: int) -> str:
    """The subscriber's secret of this number, as Standard Webhooks writes it: `whsec_` and 32 bytes in base 64."""
    content = f"gridcrew.webhook:{webhook_id}:{number}".encode()
    return "whsec_" + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


def headers(
    key: bytes, webhook: Webhook, *, message_id: str, body: str, now: datetime
) -> dict[str, str]:
    """The headers that sign one attempt; with both secrets while the old one is still good."""
    numbers = [webhook.secret_number]
    if webhook.old_secret_until is not None and now < webhook.old_secret_until:
        numbers.append(webhook.secret_number - 1)
    signatures = [
        Signer(secret_of(key, webhook.id, number)).sign(message_id, now, body) for number in numbers
    ]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
