"""The numbers that pass between a customer and a crew: one says who comes, the other that the work is done."""

import hashlib
import hmac


def check_number(key: bytes, visit_id: str) -> str:
    """Four digits that the customer's message and the crew's page have, to compare at the door.

    Whoever lacks the installation's `key` can only guess them.
    """
    return _digits(key, "door", visit_id, 4)


def done_code(key: bytes, visit_id: str) -> str:
    """Six digits that only the customer's page has: a crew that knows them was told, as good as a signature."""
    return _digits(key, "done", visit_id, 6)


def is_done_code(key: bytes, visit_id: str, given: str) -> bool:
    """Whether `given` is the customer's code of the visit."""
    return hmac.compare_digest(done_code(key, visit_id).encode(), given.strip().encode())


def _digits(key: bytes, purpose: str, visit_id: str, count: int) -> str:
    digest = hmac.new(key, f"gridcrew.{purpose}:{visit_id}".encode(), hashlib.sha256).digest()
    return f"{int.from_bytes(digest[:8], 'big') % 10**count:0{count}d}"
