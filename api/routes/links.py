"""Customers' links: handed out by the desk, listed, and taken back one by one or all at once."""

from fastapi import APIRouter, status
from sqlmodel import Session

from api.deps import Now, Reading, TheSettings, Who, Writing, requires
from api.repeats import Route, secret_answer
from api.schemas.forms import PathId, PathNumber
from api.schemas.links import LinkKeyOut, LinkOut, NewLinkOut, RevokedOut
from dispatch.contact import links, revoking
from dispatch.desk import requests
from dispatch.registry import customers
from dispatch.work import visits

router = APIRouter(route_class=Route, tags=["contact"])


@router.post(
    "/visits/{visit_id}/links",
    status_code=status.HTTP_201_CREATED,
    dependencies=[requires("promise:write"), secret_answer],
)
def make_link(visit_id: PathId, session: Writing, settings: TheSettings, moment: Now) -> NewLinkOut:
    """A new link to the page of the visit, for its customer alone; it is told this once and not kept."""
    visit = visits.get(session, visit_id)
    token = links.for_visit(session, settings.key, visit, now=moment)
    return _told_once(session, f"{settings.base_url}/v/{token}", subject=visit_id)


@router.get("/visits/{visit_id}/links", dependencies=[requires("message:read")])
def list_links(visit_id: PathId, session: Reading) -> list[LinkOut]:
    """The links to a visit, the newest first; none can be read back from what is kept of it."""
    visits.get(session, visit_id)
    return LinkOut.all_of(revoking.of_subject(session, subject=visit_id))


@router.post(
    "/requests/{request_id}/links",
    status_code=status.HTTP_201_CREATED,
    dependencies=[requires("promise:write"), secret_answer],
)
def make_request_link(
    request_id: PathId, session: Writing, settings: TheSettings, moment: Now
) -> NewLinkOut:
    """A new link by which the request can be followed; it is told this once and not kept."""
    request = requests.get(session, request_id)
    token = links.for_request(session, settings.key, request, now=moment)
    return _told_once(session, f"{settings.base_url}/r/{token}", subject=request_id)


@router.get("/requests/{request_id}/links", dependencies=[requires("message:read")])
def list_request_links(request_id: PathId, session: Reading) -> list[LinkOut]:
    """The links to a request, the newest first; none can be read back from what is kept of it."""
    requests.get(session, request_id)
    return LinkOut.all_of(revoking.of_subject(session, subject=request_id))


@router.delete("/links/{link_id}", dependencies=[requires("link:write")])
def revoke(link_id: PathNumber, session: Writing, caller: Who, moment: Now) -> LinkOut:
    """Take one link back: whoever opens it is told that it has ended."""
    return LinkOut.of(revoking.revoke(session, link_id=link_id, actor=caller.actor, now=moment))


@router.delete("/customers/{customer_id}/links", dependencies=[requires("link:write")])
def revoke_of_customer(
    customer_id: PathId, session: Writing, caller: Who, moment: Now
) -> RevokedOut:
    """Take back every link that the customer was ever sent."""
    customers.get(session, customer_id)
    count = revoking.revoke_of_customer(
        session, customer_id=customer_id, actor=caller.actor, now=moment
    )
    return RevokedOut(revoked=count)


@router.get("/link-keys", dependencies=[requires("link:write")])
def list_keys(session: Reading) -> list[LinkKeyOut]:
    """The keys that links were made with, the newest first."""
    return LinkKeyOut.all_of(revoking.keys(session))


@router.post(
    "/link-keys", status_code=status.HTTP_201_CREATED, dependencies=[requires("link:write")]
)
def rotate(session: Writing, caller: Who, moment: Now) -> LinkKeyOut:
    """Take a new key into use; the one before still opens its links, older ones are retired."""
    return LinkKeyOut.of(revoking.rotate(session, actor=caller.actor, now=moment))


@router.delete("/link-keys/{key_id}", dependencies=[requires("link:write")])
def retire(key_id: PathNumber, session: Writing, caller: Who, moment: Now) -> LinkKeyOut:
    """End every link that was made with the key."""
    return LinkKeyOut.of(revoking.retire(session, key_id=key_id, actor=caller.actor, now=moment))


def _told_once(session: Session, url: str, *, subject: str) -> NewLinkOut:
    """The newest link of a visit or request, which `url` is."""
    link = revoking.of_subject(session, subject=subject)[0]
    return NewLinkOut(id=link.id or 0, url=url, expires_at=link.expires_at)
