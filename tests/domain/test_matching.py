"""Which receivable a credit pays: what books itself, what stops it, and what a person is shown instead."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from domain.keys import creditor_reference
from domain.matching import Allocated, Automatic, Credit, Matcher, OpenItem, Unclear
from domain.open_items import exact_subsets

GLOBEX, ACME = "globex", "acme"
NAMES = {GLOBEX: ("Globex Werke GmbH",), ACME: ("Acme Rohrbau AG", "Acme"), "holding": ("Globex Holding GmbH",)}


def item(n: int, open_: int, customer: str = GLOBEX, **change: Any) -> OpenItem:
    number = f"RE-2026-{n:05d}"
    made = OpenItem(
        invoice=f"invoice-demo-{n}",
        customer=customer,
        number=number,
        references=(creditor_reference(f"demo{number}"),),
        currency="EUR",
        open=open_,
        payable=open_,
        due_on=date(2026, 1, n),
        names=NAMES.get(customer, ()),
    )
    return replace(made, **change)


def credit(amount: int, text: str = "", **change: Any) -> Credit:
    made = Credit(key="k", amount=amount, currency="EUR", booked_on=date(2026, 2, 1), text=text)
    return replace(made, **change)


def reference(n: int) -> str:
    return creditor_reference(f"demoRE-2026-{n:05d}")


def paid(n: int, amount: int) -> Allocated:
    return Allocated(f"invoice-demo-{n}", amount)


ITEMS = (
    item(1, 11900), item(2, 25000, payable=24500), item(3, 40000),
    item(11, 11900, ACME), item(12, 99900, ACME), item(21, 5000, "holding"), item(22, 7000, currency="USD"),
)  # fmt: skip
LEARNED = {"DE-globex": GLOBEX, "DE-acme": ACME}
MATCHER = Matcher(ITEMS, LEARNED, {"OURS-1": "invoice-demo-1", "OURS-99": "invoice-demo-99"})


def booked(given: Credit, matcher: Matcher = MATCHER) -> Automatic:
    decided = matcher.match(given)
    assert isinstance(decided, Automatic), decided
    assert sum(share.amount for share in decided.allocations) + decided.rest == given.amount
    return decided


def unclear(given: Credit, matcher: Matcher = MATCHER) -> Unclear:
    decided = matcher.match(given)
    assert isinstance(decided, Unclear), decided
    return decided


class TestOneKey:
    @pytest.mark.parametrize(("amount", "rest"), [(11900, 0), (1, 0), (11899, 0), (12000, 100)])
    @pytest.mark.parametrize(
        ("key", "rule"),
        [({"text": reference(1)}, "reference"), ({"reference": reference(1)}, "reference"),
         ({"end_to_end": reference(1)}, "reference"), ({"text": "Rechnung RE-2026-00001"}, "number"),
         ({"end_to_end": "RE-2026-00001"}, "number"), ({"end_to_end": "OURS-1"}, "end_to_end")],
    )  # fmt: skip
    def test_books_up_to_what_is_open_and_leaves_the_rest(
        self, key: dict[str, str], rule: str, amount: int, rest: int
    ) -> None:
        found = booked(credit(amount, **key))
        assert (found.rule, found.customer, found.rest) == (rule, GLOBEX, rest)
        assert found.allocations == (paid(1, amount - rest),)

    def test_with_the_discount_taken_it_books_what_was_paid(self) -> None:
        assert booked(credit(24500, reference(2))).allocations == (paid(2, 24500),)

    def test_says_in_one_sentence_why(self) -> None:
        found = booked(credit(12000, f"{reference(1)} RE-2026-00001"))
        assert found.evidence == "carries the creditor reference of RE-2026-00001, and 1.00 more was paid"

    @pytest.mark.parametrize("given", [{"text": reference(1)}, {"end_to_end": "OURS-1"}, {"text": "RE-2026-00001"}])
    def test_in_another_currency_is_never_booked(self, given: dict[str, str]) -> None:
        found = unclear(credit(11900, currency="USD", **given))
        assert (found.why, set(found.candidates)) == ("wrong_currency", {GLOBEX})
        assert {share.invoice for proposal in found.proposals for share in proposal.allocations} <= {"invoice-demo-22"}

    def test_a_settled_invoice_is_not_paid_again(self) -> None:
        matcher = Matcher(ITEMS, LEARNED)
        matcher.book(booked(credit(11900, reference(1)), matcher).allocations)
        found = unclear(credit(11900, reference(1), iban="DE-globex"), matcher)
        assert (found.why, set(found.candidates)) == ("nothing_open", {GLOBEX})

    def test_our_id_for_an_invoice_that_is_not_open_books_nothing(self) -> None:
        assert unclear(credit(11900, end_to_end="OURS-99", iban="DE-globex")).why == "nothing_open"


class TestSlip:
    """A reference whose check digits do not hold stops everything: no other key may take its place."""

    @pytest.mark.parametrize(
        "more",
        [{}, {"iban": "DE-globex"}, {"text": "RE-2026-00001"}, {"text": reference(1)}, {"end_to_end": "OURS-1"},
         {"name": "Globex Werke GmbH"}],
    )  # fmt: skip
    def test_nothing_is_booked_beside_it(self, more: dict[str, str]) -> None:
        slipped = reference(1)[:-1] + "7"
        found = unclear(credit(11900, reference=slipped, **more))
        assert found.why == "bad_reference"
        if more:
            assert paid(1, 11900) in found.proposals[0].allocations

    def test_a_valid_reference_of_nothing_open_stops_too(self) -> None:
        assert unclear(credit(11900, "RE-2026-00001 RF18539007547034")).why == "bad_reference"

    def test_the_proposal_says_how_near_it_is(self) -> None:
        slipped = reference(1)[:-1] + "7"
        found = unclear(credit(11900, slipped, name="GLOBEX WERKE"))
        assert found.proposals[0].evidence == (
            "its reference but for one character; the payer has its customer's name; pays exactly what is open"
        )
        assert found.proposals[0].confidence == 95


class TestAgainstANumber:
    @pytest.mark.parametrize(
        ("given", "why"),
        [
            ({"iban": "DE-acme"}, "contradicted"),
            ({"name": "ACME ROHRBAU"}, "contradicted"),
            ({"name": "Globex Holding"}, "contradicted"),
            ({"text": "RE-2026-00001/2"}, "ambiguous"),
            ({"text": "RE-2026-00001 RE-2026-00099"}, "ambiguous"),
            ({"text": "RE-2026-00001 und 2026-00003"}, "ambiguous"),
            ({"text": "Bestellung RE-2026-00001"}, "no_key"),
        ],
    )  # fmt: skip
    def test_something_stops_it(self, given: dict[str, str], why: str) -> None:
        assert unclear(credit(6000, **({"text": "RE-2026-00001"} | given))).why == why

    @pytest.mark.parametrize(
        "given",
        [{"name": "Globex Werke"}, {"name": "Somebody Else Ltd"}, {"name": ""}, {"iban": "DE-new", "name": "J. Doe"},
         {"iban": "DE-globex", "name": "Acme"}],
    )  # fmt: skip
    def test_a_stranger_may_pay(self, given: dict[str, str]) -> None:
        assert booked(credit(6000, "RE-2026-00001", **given)).allocations == (paid(1, 6000),)

    def test_the_amount_of_another_invoice_of_the_same_customer_stops_it(self) -> None:
        assert unclear(credit(11900, "RE-2026-00003")).why == "contradicted"
        assert booked(credit(11900, reference(3))).allocations == (paid(3, 11900),)

    def test_a_list_that_goes_on_is_no_matter_when_the_amount_is_exact(self) -> None:
        assert booked(credit(11900, "RE-2026-00001/2")).allocations == (paid(1, 11900),)

    def test_a_reference_proves_itself_whoever_pays(self) -> None:
        assert booked(credit(6000, reference(1), name="Acme", iban="DE-acme")).customer == GLOBEX

    @pytest.mark.parametrize(
        ("number", "text", "amount", "name", "automatic"),
        [
            ("2026-00017", "Rechnung 2026-00017", 5000, "", True),
            ("2026-00017", "Rechnung 2026-00017", 100, "Globex Werke", True),
            ("2026-00017", "Rechnung 2026-00017", 100, "", False),
            ("2026-00017", "PO 2026-00017", 5000, "Globex Werke", False),
            ("7/2026", "Miete 7/2026", 5000, "Globex Werke", True),
            ("7/2026", "Miete 7/2026", 100, "Globex Werke", False),
            ("7/2026", "Miete 7/2026", 5000, "", False),
            ("17", "17", 5000, "Globex Werke", False),
        ],
    )
    def test_a_number_without_letters_needs_the_payer_or_the_amount(
        self, number: str, text: str, amount: int, name: str, automatic: bool
    ) -> None:
        matcher = Matcher([item(1, 5000, number=number, references=())], {})
        assert isinstance(matcher.match(credit(amount, text, name=name)), Automatic) == automatic

    @pytest.mark.parametrize(
        ("number", "amount", "name", "automatic"),
        [
            ("20260130", 120, "Globex Werke", False), ("20260130", 5000, "", False),
            ("20260130", 5000, "Globex Werke", True), ("30012026", 120, "Globex Werke", False),
            ("20251003", 120, "Globex Werke", True), ("20260230", 120, "Globex Werke", True),
            ("202601300", 120, "Globex Werke", True),
        ],
    )  # fmt: skip
    def test_a_number_that_is_a_day_as_well_needs_the_payer_and_the_amount(
        self, number: str, amount: int, name: str, automatic: bool
    ) -> None:
        matcher = Matcher([item(1, 5000, number=number, references=())], {})
        found = matcher.match(credit(amount, f"Sammelzahlung vom {number}", name=name))
        assert isinstance(found, Automatic) == automatic

    def test_a_number_that_two_invoices_have_is_neithers(self) -> None:
        matcher = Matcher([item(1, 5000), item(2, 5000, ACME, number="re 2026/00001")], {})
        found = unclear(credit(5000, "RE-2026-00001"), matcher)
        assert (found.why, set(found.candidates), len(found.proposals)) == ("ambiguous", {GLOBEX, ACME}, 2)


class TestBatch:
    """Several payments in one amount, of which the bank does not tell how much each is."""

    @pytest.mark.parametrize("given", [{"text": reference(1)}, {"text": "RE-2026-00001"}, {"end_to_end": "OURS-1"}])
    def test_nobody_is_taken_for_the_payer_of_all_of_it(self, given: dict[str, str]) -> None:
        found = unclear(credit(11900, name="Globex Werke GmbH; Acme Rohrbau AG", several=True, **given))
        assert (found.why, set(found.candidates)) == ("batch", {GLOBEX, ACME})
        assert found.proposals[0].allocations == (paid(1, 11900),)


class TestSeveralKeys:
    @pytest.mark.parametrize(
        ("amount", "shares"),
        [(36900, (11900, 25000)), (36400, (11900, 24500))],
    )
    @pytest.mark.parametrize("text", [f"{reference(1)}, {reference(2)}", "RE-2026-00001 + RE-2026-00002",
                                      f"RE-2026-00002 {reference(1)}"])  # fmt: skip
    def test_whose_sum_is_the_amount_are_booked(self, text: str, amount: int, shares: tuple[int, int]) -> None:
        found = booked(credit(amount, text))
        assert (found.rule, found.rest) == ("several_keys", 0)
        assert found.allocations == (paid(1, shares[0]), paid(2, shares[1]))

    def test_with_another_sum_are_a_persons(self) -> None:
        found = unclear(credit(30000, f"{reference(1)} {reference(2)}"))
        assert (found.why, set(found.candidates)) == ("sum_differs", {GLOBEX})
        assert found.proposals[0].allocations == (paid(1, 11900), paid(2, 18100))
        assert found.proposals[0].evidence == "names its reference; 69.00 less than open"

    def test_of_several_customers_are_a_persons_even_to_the_cent(self) -> None:
        found = unclear(credit(23800, f"{reference(1)} {reference(11)}"))
        assert (found.why, set(found.candidates)) == ("key_of_several_customers", {GLOBEX, ACME})
        assert found.proposals[0].allocations == (paid(1, 11900), paid(11, 11900))

    def test_a_bundle_is_one_reference_of_several_invoices(self) -> None:
        bundle = creditor_reference("demobundle1")
        matcher = Matcher([item(1, 100, references=(bundle,)), item(2, 250, references=(bundle, reference(2)))], {})
        assert booked(credit(350, bundle), matcher).allocations == (paid(1, 100), paid(2, 250))
        assert unclear(credit(250, bundle), matcher).why == "sum_differs"

    def test_one_of_them_settled_leaves_the_other_only_when_exact(self) -> None:
        matcher = Matcher(ITEMS, LEARNED)
        matcher.book([paid(1, 11900)])
        text = f"{reference(1)} {reference(3)}"
        assert booked(credit(40000, text), matcher).allocations == (paid(3, 40000),)
        assert unclear(credit(39000, text), matcher).why == "ambiguous"

    def test_two_discounts_of_one_size_are_not_guessed(self) -> None:
        matcher = Matcher([item(1, 1000, payable=980), item(2, 1000, payable=980)], {})
        keys = f"{reference(1)} {reference(2)}"
        assert unclear(credit(1980, keys), matcher).why == "sum_differs"
        assert booked(credit(1960, keys), matcher).allocations == (paid(1, 980), paid(2, 980))


class TestAccount:
    @pytest.mark.parametrize(
        ("amount", "shares"),
        [(25000, (paid(2, 25000),)), (24500, (paid(2, 24500),)), (51900, (paid(1, 11900), paid(3, 40000)))],
    )
    def test_books_the_only_set_that_makes_the_amount(self, amount: int, shares: tuple[Allocated, ...]) -> None:
        found = booked(credit(amount, "Danke", iban="DE-globex"))
        assert (found.rule, found.allocations, found.customer) == ("learned_iban", shares, GLOBEX)

    @pytest.mark.parametrize(
        ("given", "why"),
        [
            ({"amount": 12000}, "sum_differs"),
            ({"iban": "DE-new"}, "no_key"),
            ({"iban": ""}, "no_key"),
            ({"name": "Acme Rohrbau"}, "contradicted"),
            ({"text": "RE-2026-00099"}, "contradicted"),
            ({"text": "Rechnung 2026-00003"}, "contradicted"),
            ({"text": "PO RE-2026-00011"}, "contradicted"),
            ({"currency": "CHF"}, "nothing_open"),
        ],
    )
    def test_something_stops_it(self, given: dict[str, Any], why: str) -> None:
        assert unclear(replace(credit(11900, "Danke", iban="DE-globex"), **given)).why == why

    def test_two_sets_are_one_too_many(self) -> None:
        matcher = Matcher([item(1, 100), item(2, 200), item(3, 300)], LEARNED)
        assert unclear(credit(300, iban="DE-globex"), matcher).why == "ambiguous"
        assert booked(credit(400, iban="DE-globex"), matcher).allocations == (paid(1, 100), paid(3, 300))

    def test_more_than_twenty_open_invoices_are_too_many(self) -> None:
        items = [item(n, 2**n) for n in range(1, 22)]
        assert unclear(credit(2**5, iban="DE-globex"), Matcher(items, LEARNED)).why == "too_many"
        assert booked(credit(2**5, iban="DE-globex"), Matcher(items[:20], LEARNED)).allocations == (paid(5, 2**5),)

    def test_a_set_that_chance_would_make_is_not_believed(self) -> None:
        items = [item(n, 2**n) for n in range(1, 13)]
        five = sum(2**n for n in range(1, 6))
        assert unclear(credit(five, iban="DE-globex"), Matcher(items, LEARNED)).why == "ambiguous"
        everything = booked(credit(sum(one.open for one in items), iban="DE-globex"), Matcher(items, LEARNED))
        assert len(everything.allocations) == 12

    def test_a_mentioned_invoice_inside_the_set_is_welcome(self) -> None:
        assert booked(credit(11900, "Rechnung 2026-00001", iban="DE-globex")).allocations == (paid(1, 11900),)


class TestProposals:
    def test_the_best_is_first_and_five_at_most(self) -> None:
        found = unclear(credit(11900, "Danke", name="GLOBEX WERKE"))
        assert found.why == "no_key"
        best = found.proposals[0]
        assert (best.customer, best.allocations, best.confidence) == (GLOBEX, (paid(1, 11900),), 55)
        assert best.evidence == "the payer has its customer's name; pays exactly what is open"
        assert [p.confidence for p in found.proposals] == sorted((p.confidence for p in found.proposals), reverse=True)
        assert len(found.proposals) <= 5
        assert found.candidates == {GLOBEX}

    def test_an_amount_alone_is_little(self) -> None:
        found = unclear(credit(11900, "Danke"))
        assert {p.confidence for p in found.proposals} == {12}
        assert found.proposals[0].evidence == "pays exactly what is open, as of 2 invoices"
        assert found.candidates == {GLOBEX, ACME}

    def test_nothing_in_common_is_no_proposal(self) -> None:
        found = unclear(credit(123, "Miete", name="Jemand"))
        assert (found.proposals, found.candidates) == ((), frozenset())

    def test_no_payers_name_stands_in_any_text(self) -> None:
        found = unclear(credit(11900, "Grüße von Erika", name="GLOBEX WERKE"))
        assert all(word not in f"{found.text} {[p.evidence for p in found.proposals]}" for word in ("GLOBEX", "Erika"))

    @pytest.mark.parametrize(
        ("payer", "customer"),
        [("MUELLER & SOEHNE", "Müller & Söhne GmbH"), ("Muller Sohne", "Müller & Söhne GmbH"),
         ("Söhne, Müller und", "Müller & Söhne GmbH"), ("M\u0075\u0308ller Söhne", "Müller & Söhne GmbH"),
         ("Straßenbau Voß e.K.", "STRASSENBAU VOSS"), ("Müler Söhne", "Müller & Söhne GmbH")],
    )  # fmt: skip
    def test_names_are_one_however_they_are_spelled(self, payer: str, customer: str) -> None:
        matcher = Matcher([item(1, 500, names=(customer,)), item(2, 500, ACME)], {})
        assert unclear(credit(123, name=payer), matcher).candidates == {GLOBEX}

    @pytest.mark.parametrize("name", ["", " ", "GmbH", "?!", "株式会社", "\u0308"])
    def test_a_name_that_says_nothing_fits_nobody(self, name: str) -> None:
        matcher = Matcher([item(1, 500, names=("", "?!", "Globex"))], {})
        assert unclear(credit(123, name=name), matcher).candidates == frozenset()


class TestSubsets:
    def test_counts_up_to_two_and_gives_the_first(self) -> None:
        assert exact_subsets(5, [(5,), (2,), (3,)])[0] == 2
        assert exact_subsets(7, [(5, 4), (2,), (1,)])[0] == 2
        assert exact_subsets(8, [(5, 4), (2,), (1,)]) == (1, (5, 2, 1))
        assert exact_subsets(9, [(5,), (2,), (1,)]) == (0, ())
        assert exact_subsets(1, []) == (0, ())

    def test_twenty_discounted_invoices_take_a_moment(self) -> None:
        started = time.process_time()
        ways, _ = exact_subsets(10**7, [(10**6 + 7919 * n, 10**6 - 104729 * n // 100) for n in range(20)])
        assert ways in {0, 1, 2}
        assert time.process_time() - started < 2

    def test_more_than_twenty_are_refused(self) -> None:
        with pytest.raises(ValueError, match="too many"):
            exact_subsets(1, [(1,)] * 21)


class TestBook:
    def test_lowers_what_is_open(self) -> None:
        matcher = Matcher(ITEMS, LEARNED)
        matcher.book([paid(1, 1900)])
        assert booked(credit(11900, reference(1)), matcher).rest == 1900
        assert booked(credit(10000, iban="DE-globex"), matcher).allocations == (paid(1, 10000),)

    def test_what_settles_today_settles(self) -> None:
        matcher = Matcher(ITEMS, LEARNED)
        matcher.book([paid(2, 24500)])
        assert unclear(credit(500, reference(2)), matcher).why == "nothing_open"

    def test_a_part_leaves_the_discount(self) -> None:
        matcher = Matcher(ITEMS, LEARNED)
        matcher.book([paid(2, 10000)])
        assert booked(credit(14500, iban="DE-globex"), matcher).allocations == (paid(2, 14500),)

    @pytest.mark.parametrize(
        "allocations",
        [(paid(1, 11901),), (paid(1, 0),), (paid(1, -1),), (paid(1, 6000), paid(1, 6000)), (paid(99, 1),)],
    )
    def test_more_than_is_open_is_refused_whole(self, allocations: tuple[Allocated, ...]) -> None:
        matcher = Matcher(ITEMS, LEARNED)
        with pytest.raises(ValueError, match="open"):
            matcher.book([paid(3, 1), *allocations])
        assert booked(credit(40000, reference(3)), matcher).rest == 0


@pytest.mark.parametrize(("open_", "payable"), [(0, 0), (10, 0), (10, 11), (-1, -1)])
def test_an_item_with_nothing_open_is_refused(open_: int, payable: int) -> None:
    with pytest.raises(ValueError, match="payable"):
        item(1, open_, payable=payable)


def test_a_credit_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="above zero"):
        credit(0)


def test_an_invoice_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        Matcher([item(1, 100), item(1, 200)], {})
