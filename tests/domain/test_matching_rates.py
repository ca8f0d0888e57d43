"""Two thousand and more made-up remittances with the truth beside them: nothing false books itself, most of the rest
does; and what holds for any items and any credits."""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.matching import judged, summary
from bench.remittances import TODAY, Labelled, World, remittances, slip, world
from domain.keys import valid_creditor_reference
from domain.matching import Automatic, Credit, Matcher, OpenItem, Unclear

COUNT = 2_400
WORLD = world(6_000)
SMALL = world(40, seed=7)
SMALL_MATCHER = Matcher(SMALL.items, SMALL.learned)


def through(of: World, made: list[Labelled]) -> Iterator[tuple[Labelled, Automatic | Unclear]]:
    """One file: each credit is matched against what the credits before have left open."""
    matcher = Matcher(of.items, of.learned)
    for one in made:
        decided = matcher.match(one.credit)
        if isinstance(decided, Automatic):
            matcher.book(decided.allocations)
        yield one, decided


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_nothing_false_is_booked_and_most_is(seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    made = list(remittances(WORLD, COUNT, seed))
    tally = Counter((one.kind, judged(one, decided)) for one, decided in through(WORLD, made))
    with capsys.disabled():
        sys.stdout.write(f"\n{summary(tally)}\n")
    false = sum(n for (_, outcome), n in tally.items() if outcome == "false")
    booked = sum(n for (_, outcome), n in tally.items() if outcome == "booked")
    assert false == 0
    assert booked >= COUNT * 70 // 100
    assert tally["wrong character", "unclear"] == COUNT // 10


@pytest.mark.parametrize("pattern", ["{year}-{n:05d}", "{n}/{year}", "A-{year}-{n}", "R{yy}{n:04d}"])
def test_nothing_false_is_booked_however_the_seller_writes_numbers(pattern: str) -> None:
    of = world(2_000, pattern=pattern)
    outcomes = Counter(judged(one, decided) for one, decided in through(of, list(remittances(of, 800))))
    assert outcomes["false"] == 0
    assert outcomes["booked"] >= 800 * 70 // 100


def test_the_truth_is_among_the_proposals_for_most_slips() -> None:
    slipped = [one.credit for one in remittances(WORLD, COUNT) if one.kind == "wrong character"]
    matcher = Matcher(WORLD.items, WORLD.learned)
    by_iban = {iban: customer for customer, iban in WORLD.ibans.items()}
    decided = [(credit, matcher.match(credit)) for credit in slipped]
    first = sum(
        d.proposals[0].customer == by_iban[c.iban] for c, d in decided if isinstance(d, Unclear) and d.proposals
    )
    assert first >= len(slipped) * 85 // 100


def test_a_wrong_digit_in_a_number_is_stopped_by_who_paid() -> None:
    """The typed number is another customer's, the account or the name is the payer's own."""
    chance, matcher, false = random.Random(5), Matcher(WORLD.items, WORLD.learned), 0
    names = {item.customer: item.names[0] for item in WORLD.items}
    for item in chance.sample(WORLD.items, 1_500):
        other = chance.choice(WORLD.items)
        if names[other.customer] == names[item.customer]:
            continue
        credit = Credit(
            key="k", amount=item.open, currency=item.currency, booked_on=TODAY, text=f"Rechnung {other.number}",
            name=names[item.customer], iban=WORLD.ibans[item.customer],
        )  # fmt: skip
        false += isinstance(matcher.match(credit), Automatic)
    assert false == 0


words = st.sampled_from(
    ["Danke", "RE-2026-00003", "RE-2026-00004", "2026-00005", "RF18", "RF18539007547034", "/", "\n", "RE", "und", "PO"]
    + [reference for item in SMALL.items for reference in item.references]
    + [item.number for item in SMALL.items]
)
texts = st.lists(words, max_size=5).map(" ".join) | st.text(max_size=60)
amounts = st.sampled_from([n for i in SMALL.items for n in (i.open, i.payable)]) | st.integers(1, 10**7)
credits_ = st.builds(
    Credit,
    key=st.just("k"),
    amount=amounts,
    currency=st.sampled_from(["EUR", "USD", "CHF"]),
    booked_on=st.just(TODAY),
    text=texts,
    reference=texts,
    end_to_end=st.just("") | texts,
    name=st.sampled_from([item.names[0] for item in SMALL.items]),
    iban=st.sampled_from(["", "DE-new", *SMALL.ibans.values()]),
)
by_invoice = {item.invoice: item for item in SMALL.items}


@settings(max_examples=300)
@given(credits_)
def test_allocations_and_rest_are_the_amount_and_no_more_than_is_open(credit: Credit) -> None:
    decided = SMALL_MATCHER.match(credit)
    chosen = [decided.allocations] if isinstance(decided, Automatic) else [p.allocations for p in decided.proposals]
    for allocations in chosen:
        assert allocations
        assert len({share.invoice for share in allocations}) == len(allocations)
        assert all(0 < share.amount <= by_invoice[share.invoice].open for share in allocations)
        assert all(by_invoice[share.invoice].currency == credit.currency for share in allocations)
        assert sum(share.amount for share in allocations) <= credit.amount
    if isinstance(decided, Automatic):
        assert sum(share.amount for share in decided.allocations) + decided.rest == credit.amount
        assert decided.rest == 0 or [share.amount for share in decided.allocations] == [
            by_invoice[share.invoice].open for share in decided.allocations
        ]
        assert {by_invoice[share.invoice].customer for share in decided.allocations} == {decided.customer}
    else:
        assert len(decided.proposals) <= 5
        assert all(0 <= proposal.confidence <= 100 and proposal.evidence for proposal in decided.proposals)


@settings(max_examples=60)
@given(credits_, st.randoms(use_true_random=False))
def test_the_order_of_items_changes_nothing(credit: Credit, chance: random.Random) -> None:
    shuffled: list[OpenItem] = list(SMALL.items)
    chance.shuffle(shuffled)
    assert Matcher(shuffled, SMALL.learned).match(credit) == SMALL_MATCHER.match(credit)


@settings(max_examples=200)
@given(credits_)
def test_a_credit_in_another_currency_is_never_booked(credit: Credit) -> None:
    assert isinstance(SMALL_MATCHER.match(replace(credit, currency="JPY")), Unclear)


@settings(max_examples=300)
@given(st.sampled_from(SMALL.items), st.integers(), st.booleans(), st.booleans())
def test_no_slip_in_a_reference_is_ever_booked(item: OpenItem, seed: int, learned: bool, spaced: bool) -> None:
    slipped = slip(item.references[0], random.Random(seed))
    text = " ".join(slipped[at : at + 4] for at in range(0, len(slipped), 4)) if spaced else slipped
    iban = SMALL.ibans[item.customer] if learned else ""
    credit = Credit(
        key="k", amount=item.open, currency=item.currency, booked_on=TODAY, text=text, name=item.names[0], iban=iban
    )
    assert isinstance(SMALL_MATCHER.match(credit), Unclear)


@given(st.sampled_from(SMALL.items), st.integers(0, 24), st.characters(codec="utf-8"))
def test_no_character_whatever_in_a_references_place_is_booked(item: OpenItem, at: int, other: str) -> None:
    reference = item.references[0]
    slipped = reference[:at] + other + reference[at + 1 :]
    if at >= len(reference) or valid_creditor_reference(slipped) == reference or slipped[1:] == reference:
        return
    credit = Credit(key="k", amount=item.open, currency=item.currency, booked_on=TODAY, text=slipped)
    assert isinstance(SMALL_MATCHER.match(credit), Unclear)


@settings(max_examples=60)
@given(st.lists(credits_, min_size=1, max_size=8))
def test_a_file_with_every_credit_twice_never_books_more_than_is_open(made: list[Credit]) -> None:
    matcher, booked = Matcher(SMALL.items, SMALL.learned), Counter[str]()
    for credit in [one for one in made for _ in range(2)]:
        decided = matcher.match(credit)
        if isinstance(decided, Automatic):
            matcher.book(decided.allocations)
            booked.update({share.invoice: share.amount for share in decided.allocations})
    assert all(amount <= by_invoice[invoice].open for invoice, amount in booked.items())
