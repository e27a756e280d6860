"""Accounts: who may sign in, and as what."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.core import events, numbers
from dispatch.core.db import lock_for
from dispatch.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from dispatch.core.events import Actor
from dispatch.registry import passwords
from dispatch.registry.tables import Account, AccountSession, Crew, Role, SignInLink

IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=12)
TOUCH = timedelta(minutes=1)
FREE_TRIES = 5
FIRST_LOCK = timedelta(seconds=30)
LONGEST_LOCK = timedelta(minutes=15)

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._@-]{1,63}")


class NoSuchAccount(NotFoundError):
    """No account has this id or login."""

    code = "no_such_account"


class BadLogin(ForbiddenError):
    """Login and password do not fit, or the account is locked or disabled: which of them is not told."""

    code = "bad_login"
    status = 401


class BadLink(ForbiddenError):
    """The sign-in link is unknown, used or expired."""

    code = "bad_link"
    status = 401


class LoginTaken(ConflictError):
    """Another account has this login."""

    code = "login_taken"


class BadAccount(InvalidError):
    """A value of the account is wrong."""

    code = "bad_account"


class LastAdmin(ConflictError):
    """Without this account nobody could make accounts."""

    code = "last_admin"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new sign-in: the token goes to the person and is kept nowhere."""

    token: str
    account: Account
    expires_at: datetime


def create(
    session: Session,
    *,
    login: str,
    name: str,
    role: Role,
    password: str | None = None,
    crew_id: str | None = None,
    language: str = "zh-CN",
    actor: Actor,
    now: datetime,
) -> Account:
    """Make an account; without a password it is entered by a one-time link (`make_link`).

    Raises BadAccount, LoginTaken and WeakPassword.
    """
    login = login.strip().lower()
    if not _LOGIN.fullmatch(login):
        raise BadAccount(
            "A login has 2 to 64 of the characters a-z, 0-9, dot, hyphen, underscore and @, "
            "and begins with a letter or digit.",
            field="login",
        )
    if not name.strip():
        raise BadAccount("An account has the person's name.", field="name")
    if (role is Role.CREW) != (crew_id is not None):
        raise BadAccount(
            "A crew account names its crew, and no other account does.", field="crew_id"
        )
    if crew_id is not None and session.get(Crew, crew_id) is None:
        raise BadAccount(f"There is no crew {crew_id}.", field="crew_id")
    lock_for(session, f"account:{login}")
    if by_login(session, login) is not None:
        raise LoginTaken(f"The login {login} is taken; choose another one.", field="login")
    account = Account(
        id=numbers.next_number(session, "account", "U"),
        login=login,
        name=name.strip(),
        role=role,
        password_hash=passwords.hashed(password, login=login) if password is not None else None,
        crew_id=crew_id,
        language=language,
    )
    session.add(account)
    _record(session, "account.created", account, actor, now, role=role.value)
    return account


def get(session: Session, account_id: str) -> Account:
    """The account of this id; raises NoSuchAccount."""
    account = session.get(Account, account_id)
    if account is None:
        raise NoSuchAccount(f"There is no account {account_id}.", field="account_id")
    return account


def by_login(session: Session, login: str) -> Account | None:
    """The account of this login, in whatever capitals it was written."""
    return session.exec(select(Account).where(Account.login == login.strip().lower())).first()


def everybody(session: Session) -> list[Account]:
    """All accounts, by login."""
    return list(session.exec(select(Account).order_by(Account.login)))


def sign_in(session: Session, *, login: str, password: str, now: datetime) -> SignedIn | BadLogin:
    """Sign in by password.

    A refusal is *returned*: the caller commits first, so that the bad try stays counted, and then raises it.
    From the fifth bad try on each locks the account, 30 s at first, twice as long each time, 15 minutes at most.
    Message and effort are the same whether the login is unknown, locked, disabled or the password is wrong.
    """
    account = by_login(session, login)
    right, renewed = passwords.verify(password, account.password_hash if account else None)
    refusal = BadLogin(
        "The login or the password is wrong. After several bad tries an account rests for up to 15 minutes."
    )
    if account is None or account.disabled:
        return refusal
    if account.locked_until is not None and account.locked_until > now:
        return refusal
    if not right:
        _count_bad_try(session, account, now)
        return refusal
    account.failed_logins, account.locked_until = 0, None
    if renewed is not None:
        account.password_hash = renewed
    return _begin(session, account, now, by="password")


def make_link(session: Session, *, account_id: str, now: datetime, minutes: int = 30) -> str:
    """The token of a link that signs the account in once, within `minutes`; raises NoSuchAccount."""
    account = get(session, account_id)
    if account.disabled:
        raise NoSuchAccount(f"The account {account.login} is disabled.", field="account_id")
    token = passwords.new_token()
    session.add(
        SignInLink(
            token_hash=passwords.token_hash(token),
            account_id=account.id,
            expires_at=now + timedelta(minutes=minutes),
        )
    )
    session.flush()
    return token


def sign_in_by_link(session: Session, *, token: str, now: datetime) -> SignedIn:
    """Sign in by a one-time link; of two uses at the same moment one succeeds. Raises BadLink."""
    taken = session.execute(
        sa.update(SignInLink)
        .where(
            col(SignInLink.token_hash) == passwords.token_hash(token),
            col(SignInLink.used_at).is_(None),
            col(SignInLink.expires_at) > now,
        )
        .values(used_at=now)
        .returning(col(SignInLink.account_id))
        .execution_options(synchronize_session=False)
    ).scalar_one_or_none()
    account = session.get(Account, taken) if taken is not None else None
    if account is None or account.disabled:
        raise BadLink(
            "This sign-in link was used already, has expired or is incomplete. "
            "`gridcrew user link LOGIN` prints a new one."
        )
    account.failed_logins, account.locked_until = 0, None
    return _begin(session, account, now, by="link")


def who(session: Session, *, token: str, now: datetime, touch: bool = True) -> Account | None:
    """Whose token this is; None when it is unknown, 12 hours old or, but for crews, idle for 30 minutes.

    Notes at most once a minute that the person is there; `touch=False` for sessions that only read.
    """
    row = session.get(AccountSession, passwords.token_hash(token))
    if row is None or now >= row.expires_at:
        return None
    account = session.get(Account, row.account_id)
    if account is None or account.disabled:
        return None
    if account.role is not Role.CREW and now - row.seen_at >= IDLE:
        return None  # a crew's telephone may be without a network for longer, with the day's work on it
    if touch and now - row.seen_at >= TOUCH:
        row.seen_at = now
    return account


def sign_out(session: Session, *, token: str) -> None:
    """End this sign-in, if it is one."""
    row = session.get(AccountSession, passwords.token_hash(token))
    if row is not None:
        session.delete(row)
        session.flush()


def set_password(
    session: Session,
    *,
    account_id: str,
    password: str,
    actor: Actor,
    now: datetime,
    keep_token: str | None = None,
) -> Account:
    """Change the password and end every sign-in but that of `keep_token`; raises WeakPassword."""
    account = get(session, account_id)
    account.password_hash = passwords.hashed(password, login=account.login)
    account.failed_logins, account.locked_until = 0, None
    _end_all(session, account.id, keep=passwords.token_hash(keep_token) if keep_token else None)
    _record(session, "account.password_set", account, actor, now)
    return account


def disable(session: Session, *, account_id: str, actor: Actor, now: datetime) -> Account:
    """Shut the account out at once; raises LastAdmin for the only admin left."""
    account = get(session, account_id)
    if account.role is Role.ADMIN:
        lock_for(session, "account.admins")
        others = session.exec(
            select(Account.id).where(
                Account.role == Role.ADMIN,
                col(Account.disabled).is_(False),
                Account.id != account.id,
            )
        ).first()
        if others is None:
            raise LastAdmin(
                "This is the only admin; make another one first.", account=account.login
            )
    account.disabled = True
    _end_all(session, account.id, keep=None)
    _record(session, "account.disabled", account, actor, now)
    return account


def enable(session: Session, *, account_id: str, actor: Actor, now: datetime) -> Account:
    """Let the account in again."""
    account = get(session, account_id)
    account.disabled, account.failed_logins, account.locked_until = False, 0, None
    _record(session, "account.enabled", account, actor, now)
    return account


def _count_bad_try(session: Session, account: Account, now: datetime) -> None:
    account.failed_logins += 1
    beyond = account.failed_logins - FREE_TRIES
    if beyond >= 0:
        account.locked_until = now + min(FIRST_LOCK * 2 ** min(beyond, 10), LONGEST_LOCK)
        _record(
            session,
            "account.locked",
            account,
            Actor(account.id, "system"),
            now,
            tries=account.failed_logins,
        )
    session.flush()


def _begin(session: Session, account: Account, now: datetime, *, by: str) -> SignedIn:
    session.execute(  # what ran out is of no more use; the trail of sign-ins is in the events
        sa.delete(AccountSession)
        .where(col(AccountSession.account_id) == account.id, col(AccountSession.expires_at) <= now)
        .execution_options(synchronize_session="fetch")
    )
    token, expires_at = passwords.new_token(), now + ABSOLUTE
    session.add(
        AccountSession(
            token_hash=passwords.token_hash(token),
            account_id=account.id,
            created_at=now,
            seen_at=now,
            expires_at=expires_at,
        )
    )
    _record(
        session, "account.signed_in", account, Actor(account.id, account.role.value), now, by=by
    )
    return SignedIn(token, account, expires_at)


def _end_all(session: Session, account_id: str, *, keep: str | None) -> None:
    session.execute(
        sa.delete(AccountSession)
        .where(
            col(AccountSession.account_id) == account_id,
            col(AccountSession.token_hash) != (keep or ""),
        )
        .execution_options(synchronize_session="fetch")
    )


def _record(
    session: Session, type: str, account: Account, actor: Actor, now: datetime, **data: object
) -> None:
    events.record(
        session, type, entity="account", entity_id=account.id, actor=actor, now=now, data=dict(data)
    )
    session.flush()
