"""Enough different people, none of whom made it, all of whom saw this very content."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import approval, roles
from domain.account import Person, Subject, Vote
from domain.errors import NotAllowed, Refused
from domain.messages import Message, MessageState
from domain.policy import Tier, parse_policy

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SILENCE = timedelta(days=2)
ZONE = "Europe/Berlin"
POLICY = parse_policy("standard", 1, {})

ANA = Person(key="ana", roles=("approver",), limits={"EUR": 10_000_00})
BEN = Person(key="ben", roles=("approver", "controller"), limits={})
CHO = Person(key="cho", roles=("approver", "controller", "CFO"), limits={})
EVE = Person(key="eve", roles=("approver",), limits={"EUR": 20_000_00})
SAM = Person(key="sam", roles=("owner",), limits={})
CRM = Person(key="crm", roles=("machine",), limits={}, machine=True)
PEOPLE = (SAM, CRM, CHO, BEN, ANA)


def subject(amount: int = 500_00, approvers: int = 1, roles: tuple[str, ...] = (), **fields) -> Subject:
    given_ = {
        "id": "draft",
        "kind": "draft",
        "amount": amount,
        "hash": "sha256:aa",
        "approvers": approvers,
        "roles": roles,
        "creators": ("crm",),
        "opened_at": NOW,
        **fields,
    }
    return Subject(**given_)


def voted(what: Subject, *by: str) -> Subject:
    return replace(what, votes=(*what.votes, *(Vote(by=each, at=NOW) for each in by)))


@pytest.mark.parametrize(
    ("gross", "warned", "approvers", "roles"),
    [
        (249_99, False, 0, ()),
        (250_00, False, 1, ()),
        (9_999_99, False, 1, ()),
        (10_000_00, False, 2, ("controller",)),
        (0, True, 1, ()),
        (9_999_99, True, 1, ()),
        (10_000_00, True, 2, ("controller",)),
    ],
)
def test_the_standard_tiers(gross, warned, approvers, roles):
    tier = approval.tier_for(POLICY, "EUR", gross, warned)
    assert (tier.approvers, tier.roles) == (approvers, roles)


def test_a_currency_without_tiers_takes_the_strictest():
    assert approval.tier_for(POLICY, "USD", 1, False) == Tier(below=None, approvers=2, roles=("controller",))
    assert approval.tier_for(replace(POLICY, tiers={}), "EUR", 1, False) == approval.STRICTEST


def test_a_warning_always_finds_an_approver():
    free = replace(POLICY, tiers={"EUR": (Tier(below=None, approvers=0),)})
    assert approval.tier_for(free, "EUR", 1, False).approvers == 0
    assert approval.tier_for(free, "EUR", 1, True).approvers == 1


@given(st.integers(0, 2_000_000), st.integers(0, 2_000_000), st.booleans(), st.sampled_from(["EUR", "JPY"]))
def test_more_money_and_warnings_never_need_fewer(one, other, warned, currency):
    low, high = sorted((one, other))
    tier = approval.tier_for(POLICY, currency, low, warned)
    assert tier.approvers <= approval.tier_for(POLICY, currency, high, warned).approvers
    assert tier.approvers <= approval.tier_for(POLICY, currency, low, True).approvers


@pytest.mark.parametrize(
    ("what", "person", "reason"),
    [
        (subject(), None, "zoe is not a person this seller knows"),
        (subject(), replace(ANA, active=False), "no longer active"),
        (subject(creators=()), CRM, "is a machine"),
        (subject(), replace(ANA, machine=True), "is a machine"),
        (subject(), SAM, "neither the role approver nor controller"),
        (subject(creators=("crm", "ana")), ANA, "four eyes"),
        (voted(subject(approvers=2), "ana"), ANA, "has approved draft already"),
        (subject(amount=10_000_01), ANA, "over EUR 10000.01, ana may approve up to EUR 10000.00"),
    ],
)
def test_who_may_not_approve(what, person, reason):
    with pytest.raises(NotAllowed) as error:
        approval.judge(what, person, person.key if person else "zoe", what.hash, "EUR")
    assert reason in str(error.value).replace(",0", "0")


def test_a_limit_in_another_currency_is_no_limit_here():
    with pytest.raises(NotAllowed, match="ana has no limit in USD, only in EUR"):
        approval.judge(subject(amount=1), ANA, "ana", None, "USD")
    approval.judge(subject(amount=10**9), BEN, "ben", None, "USD")


def test_a_vote_is_bound_to_the_content():
    what = subject(amount=10_000_00)
    approval.judge(what, ANA, "ana", what.hash, "EUR")
    approval.judge(what, ANA, "ana", None, "EUR")
    with pytest.raises(Refused, match="content of draft has changed"):
        approval.judge(what, ANA, "ana", "sha256:bb", "EUR")


@pytest.mark.parametrize(
    ("what", "done", "words"),
    [
        (subject(approvers=0), True, "nothing"),
        (subject(), False, "1 approval"),
        (voted(subject(), "ana"), True, "nothing"),
        (voted(subject(creators=()), "crm"), False, "1 approval"),
        (voted(subject(creators=("ana",)), "ana"), False, "1 approval"),
        (voted(subject(), "stranger"), False, "1 approval"),
        (subject(approvers=2, roles=("controller",)), False, "2 approvals, one of them by a controller"),
        (voted(subject(approvers=2, roles=("controller",)), "ana"), False, "1 approval by a controller"),
        (voted(subject(approvers=2, roles=("controller",)), "ben"), False, "1 approval"),
        (voted(subject(approvers=2), "ana", "ana"), False, "1 approval"),
        (voted(subject(approvers=2, roles=("controller",)), "ana", "cho"), True, "nothing"),
        (subject(approvers=1, roles=("controller", "CFO")), False, "1 approval by a controller and CFO"),
    ],
)
def test_what_is_missing(what, done, words):
    assert approval.granted(what, PEOPLE) is done
    assert approval.missing(what, PEOPLE) == words


def test_the_lowest_limit_is_asked_first_and_missing_roles_are_filled():
    assert [p.key for p in approval.eligible(subject(), PEOPLE, "EUR")] == ["ana", "ben", "cho"]
    big = subject(amount=5_000_00, approvers=2, roles=("controller",))
    assert [p.key for p in approval.eligible(big, PEOPLE, "EUR")] == ["ana", "ben", "cho"]
    assert [p.key for p in approval.eligible(voted(big, "ana"), (*PEOPLE, EVE), "EUR")] == ["ben", "cho"]
    assert [p.key for p in approval.eligible(voted(big, "ben"), (*PEOPLE, EVE), "EUR")] == [
        "ana",
        "eve",
        "cho",
    ]
    assert [p.key for p in approval.eligible(replace(big, amount=10**9), PEOPLE, "EUR")] == ["ben", "cho"]
    assert approval.eligible(voted(subject(), "ben"), PEOPLE, "EUR") == ()


def test_waiting_in_vain_is_seen():
    big = subject(amount=20_000_00, approvers=2, roles=("controller",), creators=("ben",))
    assert not approval.enough(big, PEOPLE, "EUR")
    assert approval.enough(replace(big, creators=()), PEOPLE, "EUR")
    assert approval.enough(voted(replace(big, creators=()), "ben", "cho"), PEOPLE, "EUR")
    assert not approval.enough(replace(big, roles=("notary",), creators=()), PEOPLE, "EUR")


def ask(person: str, number: int, at: datetime, state: MessageState = MessageState.SENT, **fields) -> Message:
    key = f"invoice-demo-1/approval/draft@aa/{person}/{number}"
    return Message(key=key, kind="approval", state=state, at=at, subject="draft", person=person, **fields)


def following(what: Subject, asks: list[Message], now: datetime = NOW, people=PEOPLE):
    found = approval.next_ask(what, people, asks, POLICY, now, "EUR", ZONE)
    return found and (found.person, found.round, found.at)


def test_a_silent_approver_is_reminded_once_then_the_next_is_asked():
    what, asks = subject(), list[Message]()
    assert following(what, asks) == ("ana", 1, NOW)
    asks.append(ask("ana", 1, NOW))
    assert following(what, asks) == ("ana", 2, NOW + SILENCE)
    assert following(what, asks, NOW + 5 * SILENCE) == ("ana", 2, NOW + 5 * SILENCE)
    asks.append(ask("ana", 2, NOW + SILENCE))
    assert following(what, asks, NOW + SILENCE) == ("ben", 1, NOW + 2 * SILENCE)
    assert following(what, asks, NOW + 3 * SILENCE) == ("ben", 1, NOW + 3 * SILENCE)
    asks += [ask("ben", 1, NOW + 2 * SILENCE), ask("ben", 2, NOW + 3 * SILENCE)]
    asks += [ask("cho", 1, NOW + 4 * SILENCE), ask("cho", 2, NOW + 5 * SILENCE)]
    assert following(what, asks, NOW + 5 * SILENCE) is None


def test_as_many_are_asked_as_votes_are_missing():
    what = subject(approvers=2, roles=("controller",))
    assert following(what, []) == ("ana", 1, NOW)
    assert following(what, [ask("ana", 1, NOW)]) == ("ben", 1, NOW)
    both = [ask("ana", 1, NOW), ask("ben", 1, NOW + timedelta(hours=1))]
    assert following(what, both) == ("ana", 2, NOW + SILENCE)
    assert following(voted(what, "ben"), both) == ("ana", 2, NOW + SILENCE)
    assert following(voted(what, "ana"), both) == ("ben", 2, NOW + SILENCE + timedelta(hours=1))


def test_a_place_is_kept_for_a_missing_role():
    what = subject(approvers=2, roles=("controller",))
    people = (*PEOPLE, EVE)
    assert following(what, [ask("ana", 1, NOW)], people=people) == ("ben", 1, NOW)
    silent = [ask("ana", 1, NOW), ask("ana", 2, NOW + SILENCE), ask("ben", 1, NOW + SILENCE)]
    assert following(what, silent, NOW + 2 * SILENCE, people) == ("eve", 1, NOW + 2 * SILENCE)


def test_a_reminder_goes_before_a_new_question_of_the_same_instant():
    asks = [ask("ana", 1, NOW - SILENCE), ask("ana", 2, NOW), ask("ben", 1, NOW)]
    assert following(subject(approvers=2), asks) == ("ben", 2, NOW + SILENCE)


@pytest.mark.parametrize("state", [MessageState.REFUSED, MessageState.SKIPPED])
def test_who_cannot_be_reached_is_not_waited_for(state):
    assert following(subject(), [ask("ana", 1, NOW, state)]) == ("ben", 1, NOW)


@pytest.mark.parametrize("state", [MessageState.RELEASED, MessageState.CLAIMED])
def test_an_ask_that_never_left_is_asked_again_under_its_own_round(state):
    later = NOW + timedelta(minutes=15)
    assert following(subject(), [ask("ana", 1, NOW, state, retry_at=later)]) == ("ana", 1, later)
    asks = [ask("ana", 1, NOW), ask("ana", 2, NOW + SILENCE, state)]
    assert following(subject(), asks, NOW + SILENCE) == ("ana", 2, NOW + SILENCE)


def test_nobody_to_ask_and_nothing_to_ask():
    assert following(subject(), [], people=(SAM, CRM)) is None
    assert following(voted(subject(), "ana"), []) is None


people_sets = st.lists(
    st.builds(
        Person,
        key=st.sampled_from("abcdefg"),
        roles=st.sets(st.sampled_from(["approver", "controller", "owner"])).map(tuple),
        limits=st.just({}) | st.builds(lambda n: {"EUR": n}, st.integers(0, 1000_00)),
        active=st.booleans() | st.just(True),
        delegate=st.none() | st.sampled_from("abcdefg"),
    ).flatmap(
        lambda person: (
            st.just(person)
            | st.builds(
                lambda start, days: replace(
                    person,
                    absent_from=NOW.date() + timedelta(days=start),
                    absent_until=NOW.date() + timedelta(days=start + days),
                ),
                st.integers(-20, 20),
                st.integers(0, 20),
            )
        )
    ),
    unique_by=lambda person: person.key,
    max_size=6,
)
subjects = st.builds(
    subject,
    amount=st.integers(0, 1000_00),
    approvers=st.integers(1, 3),
    roles=st.sampled_from([(), ("controller",)]),
    creators=st.sets(st.sampled_from("abcdefg")).map(tuple),
)


@given(subjects, people_sets)
def test_asking_ends_and_grants_when_everyone_asked_says_yes(what, people):
    """Everybody who is asked approves at once: it ends, granted exactly when enough could be found."""
    possible = approval.enough(what, people, "EUR")
    for _ in range(len(people) + 1):
        asked = approval.next_ask(what, people, [], POLICY, NOW, "EUR", ZONE)
        if asked is None:
            break
        assert (asked.round, asked.at) == (1, NOW)
        person = next(each for each in people if each.key == asked.person)
        approval.judge(what, person, person.key, what.hash, "EUR")
        what = voted(what, person.key)
    else:
        pytest.fail("it never stops asking")
    assert approval.granted(what, people) == possible
    assert (approval.missing(what, people) == "nothing") == possible
    assert not {vote.by for vote in what.votes} & set(what.creators)


@given(subjects, people_sets)
def test_when_nobody_answers_each_is_asked_and_reminded_once(what, people):
    """Who leaves after the question is not reminded: here nobody is away."""
    people = [replace(each, absent_from=None, absent_until=None) for each in people]
    asks: list[Message] = []
    now = NOW
    for _ in range(2 * len(people) + 1):
        found = approval.next_ask(what, people, asks, POLICY, now, "EUR", ZONE)
        if found is None:
            break
        assert found.at >= now
        now = found.at
        asks.append(ask(found.person, found.round, now))
    else:
        pytest.fail("it never stops asking")
    assert len({each.key for each in asks}) == len(asks)
    able = {person.key for person in approval.eligible(what, people, "EUR")}
    assert {each.person for each in asks} <= able
    if able:
        assert asks
    assert len(asks) == 2 * len({each.person for each in asks})


def away(person: Person, start: str, end: str, delegate: str | None = None) -> Person:
    return replace(
        person, absent_from=date.fromisoformat(start), absent_until=date.fromisoformat(end), delegate=delegate
    )


def test_who_is_absent_is_passed_over_and_a_delegate_comes_first():
    """NOW is Monday, 2 March; both days of an absence are absent."""
    assert following(subject(), [], people=(away(ANA, "2026-03-02", "2026-03-02"), BEN, CHO)) == ("ben", 1, NOW)
    assert following(subject(), [], people=(away(ANA, "2026-03-01", "2026-03-02", "cho"), BEN, CHO)) == ("cho", 1, NOW)
    assert following(subject(), [], people=(away(ANA, "2026-03-01", "2026-03-01", "cho"), BEN, CHO)) == ("ana", 1, NOW)


@pytest.mark.parametrize("delegate", ["sam", "eve", "zoe", "ana"])
def test_a_delegate_who_may_not_is_passed_over(delegate):
    people = (away(ANA, "2026-03-02", "2026-03-09", delegate), BEN, CHO, SAM, replace(EVE, limits={"EUR": 1}))
    assert following(subject(), [], people=people) == ("ben", 1, NOW)


def test_everybody_absent_is_as_nobody_absent():
    people = tuple(away(each, "2026-03-02", "2026-03-09", "cho") for each in (ANA, BEN))
    assert following(subject(), [], people=people) == ("ana", 1, NOW)


def test_who_is_absent_is_asked_when_the_others_do_not_suffice():
    what = subject(approvers=2, roles=("controller",))
    people = (ANA, away(BEN, "2026-03-01", "2026-03-09"), away(CHO, "2026-03-01", "2026-03-09"))
    assert following(what, [], people=people) == ("ana", 1, NOW)
    assert following(what, [ask("ana", 1, NOW)], people=people) == ("ben", 1, NOW)
    assert following(what, [ask("ana", 1, NOW)], people=(*people, EVE)) == ("ben", 1, NOW), "a controller is wanted"


def test_when_somebody_who_was_asked_leaves_the_next_is_asked_at_once():
    asked = [ask("ana", 1, NOW)]
    midnight = datetime(2026, 3, 2, 23, tzinfo=UTC)  # in Berlin
    people = (away(ANA, "2026-03-03", "2026-03-10", "cho"), BEN, CHO)
    assert following(subject(), asked, people=people) == ("cho", 1, midnight)
    assert following(subject(), asked, midnight, people) == ("cho", 1, midnight)
    later = (away(ANA, "2026-03-05", "2026-03-10"), BEN, CHO)
    assert following(subject(), asked, people=later) == ("ana", 2, NOW + SILENCE), "she is there when it is due"


def test_who_is_back_is_asked_again():
    people = (away(ANA, "2026-03-02", "2026-03-03"),)
    back = datetime(2026, 3, 3, 23, tzinfo=UTC)
    assert approval.returns(subject(), people, "EUR", NOW, ZONE) == back
    assert approval.returns(subject(), people, "EUR", back, ZONE) is None
    assert approval.returns(voted(subject(), "ana"), people, "EUR", NOW, ZONE) is None


@given(subjects, people_sets)
def test_nobody_absent_is_asked_first_while_those_there_suffice(what, people):
    asked = approval.next_ask(what, people, [], POLICY, NOW, "EUR", ZONE)
    there = [each for each in people if not roles.absent(each, NOW.date())]
    if approval.enough(what, there, "EUR") and asked is not None:
        assert asked.person in {each.key for each in there}
    assert (asked is None) == (not approval.eligible(what, people, "EUR"))
