"""The channel of an installation without a mail server: each message is a file that a mail program opens."""

import os
from pathlib import Path

from dispatch.contact.messages import Outgoing
from workers.channels.delivery import Accepted, Refused
from workers.channels.mail import compose


def send(outgoing: Outgoing, *, folder: Path, sender: str) -> Accepted:
    """Write the message to `folder` as NUMBER.eml; again for the same message it is the same file.

    Raises Refused (not final) when the folder cannot be written.
    """
    data = compose(outgoing, sender=sender).as_bytes()
    target = folder / f"{outgoing.message_id:06d}.eml"
    part = target.with_suffix(f".part{os.getpid()}")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except OSError as error:
        raise Refused(f"{folder} cannot be written: {error.strerror}", final=False) from error
    return Accepted()
