"""Accounts: who may sign in, and as what."""

from fastapi import APIRouter, status

from api.deps import IfMatch, Now, Pages, Reading, TheSettings, Who, Writing, requires
from api.repeats import Route, secret_answer
from api.schemas.accounts import AccountIn, AccountOut, AccountState, SignInLinkOut
from api.schemas.forms import PageOf, PathId, page_of
from dispatch.registry import accounts, queries

router = APIRouter(route_class=Route, prefix="/accounts", tags=["accounts"])

LINK_MINUTES = 30


@router.get("", dependencies=[requires("account:read")])
def list_accounts(session: Reading, paging: Pages) -> PageOf[AccountOut]:
    """All accounts, by id."""
    found = queries.accounts(session, cursor=paging.cursor, limit=paging.limit)
    return page_of(AccountOut, found)


@router.post("", status_code=status.HTTP_201_CREATED, dependencies=[requires("account:write")])
def create_account(body: AccountIn, session: Writing, caller: Who, moment: Now) -> AccountOut:
    """Make an account."""
    account = accounts.create(session, **body.model_dump(), actor=caller.actor, now=moment)
    return AccountOut.of(account)


@router.get("/{account_id}", dependencies=[requires("account:read")])
def get_account(account_id: PathId, session: Reading) -> AccountOut:
    """One account."""
    return AccountOut.of(accounts.get(session, account_id))


@router.patch("/{account_id}", dependencies=[requires("account:write")])
def change_account(
    account_id: PathId,
    body: AccountState,
    session: Writing,
    caller: Who,
    moment: Now,
    if_match: IfMatch,
) -> AccountOut:
    """Shut an account out, which ends its sign-ins at once, or let it in again."""
    accounts.get(session, account_id).expect(if_match.of(body.version))
    change = accounts.disable if body.disabled else accounts.enable
    account = change(session, account_id=account_id, actor=caller.actor, now=moment)
    session.flush()
    return AccountOut.of(account)


@router.post(
    "/{account_id}/sign-in-links",
    status_code=status.HTTP_201_CREATED,
    dependencies=[requires("account:write"), secret_answer],
)
def make_link(
    account_id: PathId, session: Writing, moment: Now, settings: TheSettings
) -> SignInLinkOut:
    """Make a link that signs the account in once, within half an hour."""
    token = accounts.make_link(session, account_id=account_id, now=moment, minutes=LINK_MINUTES)
    return SignInLinkOut(url=f"{settings.base_url}/sign-in/{token}", minutes=LINK_MINUTES)
