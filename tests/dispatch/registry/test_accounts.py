from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, select

from dispatch.core.db import Database, transaction
from dispatch.core.tables import Event
from dispatch.registry import accounts, passwords
from dispatch.registry.accounts import (
    BadAccount,
    BadLink,
    BadLogin,
    LastAdmin,
    LoginTaken,
    SignedIn,
)
from dispatch.registry.passwords import WeakPassword
from dispatch.registry.tables import AccountSession, Role, SignInLink
from tests.builders.registry import ADMIN, make_account, make_crew
from tests.instants import NOW, minutes

PASSWORD = "correct horse battery"


def signed_in(session: Session, *, now: datetime = NOW) -> SignedIn:
    outcome = accounts.sign_in(session, login="li.ming", password=PASSWORD, now=now)
    assert isinstance(outcome, SignedIn)
    return outcome


def try_wrong(session: Session, times: int, *, now: datetime = NOW) -> None:
    for _ in range(times):
        outcome = accounts.sign_in(session, login="li.ming", password="wrong", now=now)
        assert isinstance(outcome, BadLogin)


def test_a_person_signs_in_with_login_and_password(session: Session) -> None:
    account = make_account(session)

    token = signed_in(session).token

    assert accounts.who(session, token=token, now=NOW) is account


def test_the_login_may_be_written_in_capitals(session: Session) -> None:
    make_account(session)

    outcome = accounts.sign_in(session, login=" Li.Ming ", password=PASSWORD, now=NOW)

    assert isinstance(outcome, SignedIn)


def test_passwords_are_kept_as_argon2id(session: Session) -> None:
    assert str(make_account(session).password_hash).startswith("$argon2id$")


def test_only_the_hash_of_a_token_is_kept(session: Session) -> None:
    make_account(session)

    token = signed_in(session).token

    kept = session.exec(select(AccountSession.token_hash)).one()
    assert len(token) >= 43  # 256 bits
    assert kept == passwords.token_hash(token) != token


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "elevenchars",
        "123456789012",
        "PasswordPassword",
        "aaaaaaaaaaaaaa",
        "li.ming12345",
        "x" * 129,
    ],
)
def test_a_weak_password_is_refused(session: Session, password: str) -> None:
    with pytest.raises(WeakPassword) as refusal:
        make_account(session, password=password)

    assert refusal.value.details["field"] == "password"


def test_a_chinese_passphrase_is_welcome(session: Session) -> None:
    assert make_account(session, password="虎门大桥下面有一只白鹭飞过").password_hash


@pytest.mark.parametrize("login", ["", "a", "Li Ming", "-li", "a" * 65, "li;ming", "李明"])
def test_a_bad_login_name_is_refused(session: Session, login: str) -> None:
    with pytest.raises(BadAccount):
        make_account(session, login=login)


def test_two_accounts_cannot_share_a_login(session: Session) -> None:
    make_account(session, login="li.ming")

    with pytest.raises(LoginTaken):
        make_account(session, login="Li.Ming")


def test_a_crew_account_names_a_crew_that_exists(session: Session) -> None:
    crew = make_crew(session, id="K1")

    assert make_account(session, role=Role.CREW, crew_id=crew.id).crew_id == "K1"
    with pytest.raises(BadAccount, match="names its crew"):
        make_account(session, login="other", role=Role.CREW)
    with pytest.raises(BadAccount, match="names its crew"):
        make_account(session, login="other", role=Role.DISPATCHER, crew_id=crew.id)
    with pytest.raises(BadAccount, match="no crew K9"):
        make_account(session, login="other", role=Role.CREW, crew_id="K9")


def test_every_refusal_of_a_sign_in_reads_the_same(session: Session) -> None:
    make_account(session)
    make_account(session, login="linked", password=None)
    shut = make_account(session, login="shut")
    accounts.disable(session, account_id=shut.id, actor=ADMIN, now=NOW)

    told = {
        str(accounts.sign_in(session, login=login, password=password, now=NOW))
        for login, password in [
            ("li.ming", "wrong"),
            ("nobody", "wrong"),
            ("linked", ""),
            ("shut", PASSWORD),
        ]
    }

    assert len(told) == 1


def test_an_unknown_login_costs_as_much_work_as_a_known_one(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_account(session)
    checked = []
    original = passwords._hasher.verify_and_update

    def note(password: str, kept: str) -> tuple[bool, str | None]:
        checked.append(kept.split("$")[1:4])
        return original(password, kept)

    monkeypatch.setattr(passwords._hasher, "verify_and_update", note)
    for login in ("li.ming", "nobody"):
        accounts.sign_in(session, login=login, password="wrong", now=NOW)

    assert len(checked) == 2
    assert checked[0] == checked[1]  # the same algorithm and parameters


def test_after_five_bad_tries_the_right_password_has_to_wait(session: Session) -> None:
    make_account(session)
    try_wrong(session, 5)

    early = accounts.sign_in(
        session, login="li.ming", password=PASSWORD, now=NOW + timedelta(seconds=29)
    )
    later = accounts.sign_in(
        session, login="li.ming", password=PASSWORD, now=NOW + timedelta(seconds=31)
    )

    assert isinstance(early, BadLogin)
    assert isinstance(later, SignedIn)


def test_four_bad_tries_lock_nobody_out(session: Session) -> None:
    make_account(session)
    try_wrong(session, 4)

    assert signed_in(session).account.failed_logins == 0


def test_each_further_bad_try_doubles_the_wait_up_to_a_quarter_of_an_hour(session: Session) -> None:
    account = make_account(session)
    waits, now = [], NOW
    for _ in range(12):
        try_wrong(session, 1, now=now)
        if account.locked_until:
            waits.append(int((account.locked_until - now).total_seconds()))
            now = account.locked_until

    assert waits == [30, 60, 120, 240, 480, 900, 900, 900]


def test_tries_during_the_wait_do_not_lengthen_it(session: Session) -> None:
    account = make_account(session)
    try_wrong(session, 5)
    until = account.locked_until

    try_wrong(session, 20, now=NOW + timedelta(seconds=10))

    assert account.locked_until == until


def test_a_bad_try_stays_counted_when_the_caller_raises_after_the_commit(
    database: Database,
) -> None:
    with transaction(database) as session:
        account_id = make_account(session).id

    with pytest.raises(BadLogin):
        with transaction(database) as session:
            outcome = accounts.sign_in(session, login="li.ming", password="wrong", now=NOW)
        if isinstance(outcome, BadLogin):
            raise outcome

    with database.reading() as session:
        assert accounts.get(session, account_id).failed_logins == 1


def test_a_sign_in_ends_after_half_an_hour_of_silence(session: Session) -> None:
    make_account(session)
    token = signed_in(session).token

    assert accounts.who(session, token=token, now=NOW + minutes(29))
    assert accounts.who(session, token=token, now=NOW + minutes(58))
    assert accounts.who(session, token=token, now=NOW + minutes(88)) is None


def test_a_sign_in_ends_after_twelve_hours_whatever_happens(session: Session) -> None:
    make_account(session)
    token, now = signed_in(session).token, NOW
    while accounts.who(session, token=token, now=now):
        now += minutes(20)

    assert now - NOW == timedelta(hours=12)


def test_being_there_is_noted_at_most_once_a_minute(session: Session) -> None:
    make_account(session)
    token = signed_in(session).token
    row = session.exec(select(AccountSession)).one()

    accounts.who(session, token=token, now=NOW + timedelta(seconds=59))
    assert row.seen_at == NOW
    accounts.who(session, token=token, now=NOW + minutes(2), touch=False)
    assert row.seen_at == NOW
    accounts.who(session, token=token, now=NOW + minutes(2))
    assert row.seen_at == NOW + minutes(2)


def test_an_unknown_token_is_nobody(session: Session) -> None:
    assert accounts.who(session, token="made up", now=NOW) is None


def test_signing_out_ends_the_sign_in(session: Session) -> None:
    make_account(session)
    token = signed_in(session).token

    accounts.sign_out(session, token=token)
    accounts.sign_out(session, token=token)

    assert accounts.who(session, token=token, now=NOW) is None


def test_a_new_password_ends_the_other_sign_ins(session: Session) -> None:
    account = make_account(session)
    mine, other = signed_in(session).token, signed_in(session).token

    accounts.set_password(
        session,
        account_id=account.id,
        password="another long password",
        actor=ADMIN,
        now=NOW,
        keep_token=mine,
    )

    assert accounts.who(session, token=mine, now=NOW) is account
    assert accounts.who(session, token=other, now=NOW) is None
    assert isinstance(
        accounts.sign_in(session, login="li.ming", password=PASSWORD, now=NOW), BadLogin
    )


def test_a_disabled_account_is_out_at_once(session: Session) -> None:
    account = make_account(session)
    token = signed_in(session).token

    accounts.disable(session, account_id=account.id, actor=ADMIN, now=NOW)
    assert accounts.who(session, token=token, now=NOW) is None

    accounts.enable(session, account_id=account.id, actor=ADMIN, now=NOW)
    assert accounts.who(session, token=token, now=NOW) is None
    assert signed_in(session)


def test_the_only_admin_cannot_be_disabled(session: Session) -> None:
    admin = make_account(session, login="root", role=Role.ADMIN)

    with pytest.raises(LastAdmin):
        accounts.disable(session, account_id=admin.id, actor=ADMIN, now=NOW)

    make_account(session, login="second", role=Role.ADMIN)
    assert accounts.disable(session, account_id=admin.id, actor=ADMIN, now=NOW).disabled


def test_a_link_signs_in_once(session: Session) -> None:
    account = make_account(session, password=None)
    token = accounts.make_link(session, account_id=account.id, now=NOW)

    entered = accounts.sign_in_by_link(session, token=token, now=NOW + minutes(5))

    assert accounts.who(session, token=entered.token, now=NOW + minutes(5)) is account
    with pytest.raises(BadLink, match="used already"):
        accounts.sign_in_by_link(session, token=token, now=NOW + minutes(6))


@pytest.mark.parametrize("late", [30, 600])
def test_a_link_expires(session: Session, late: int) -> None:
    account = make_account(session)
    token = accounts.make_link(session, account_id=account.id, now=NOW)

    with pytest.raises(BadLink):
        accounts.sign_in_by_link(session, token=token, now=NOW + minutes(late))


def test_a_made_up_link_is_refused(session: Session) -> None:
    with pytest.raises(BadLink):
        accounts.sign_in_by_link(session, token="made up", now=NOW)


def test_only_the_hash_of_a_link_is_kept(session: Session) -> None:
    token = accounts.make_link(session, account_id=make_account(session).id, now=NOW)

    assert session.exec(select(SignInLink.token_hash)).one() != token


def test_the_trail_of_an_account_holds_no_secret(session: Session) -> None:
    account = make_account(session)
    token = signed_in(session).token
    accounts.set_password(
        session, account_id=account.id, password="another long password", actor=ADMIN, now=NOW
    )

    trail = session.exec(select(Event).where(Event.entity == "account")).all()
    assert [event.type for event in trail] == [
        "account.created",
        "account.signed_in",
        "account.password_set",
    ]
    told = " ".join(str(event.model_dump()) for event in trail)
    assert not any(
        secret in told for secret in (PASSWORD, token, "another long password", "argon2")
    )
