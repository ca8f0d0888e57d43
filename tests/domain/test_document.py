from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import codec, money
from domain.document import (
    Address,
    Adopted,
    AllowanceCharge,
    Attachment,
    Bank,
    Draft,
    DraftWarning,
    Endpoint,
    Line,
    Party,
    Period,
    Preceding,
    TaxCurrency,
    compute,
    content_hash,
    from_json,
    to_json,
)
from domain.errors import Invalid

ADDRESS = Address("Ring 1", "Hof", "10115", "Berlin", "BE", "DE")
SELLER = Party(
    "demo", "Demo GmbH", "DE", ADDRESS, "DE129273398", "HRB 1", "a@demo.example", "+49 1", Endpoint("0204", "1")
)
BUYER = Party("globex", "Globex", "DE", ADDRESS, "DE136695976", "HRB 2", "b@b.example", "+49 2", Endpoint("0204", "2"))


def line(price: str = "100", quantity: str = "1", **more: Any) -> Line:
    tax = {"category": "S", "rate": Decimal(19)}
    given = {"id": "1", "description": "Work", "quantity": Decimal(quantity), "unit": "C62"}
    return Line(**{**given, "unit_price": Decimal(price), **tax, **more})


def draft(*lines: Line, **more: Any) -> Draft:
    given: dict[str, Any] = {
        "seller_key": "demo",
        "reference": "R-1",
        "kind": "invoice",
        "currency": "EUR",
        "language": "en",
        "seller": SELLER,
        "customer": BUYER,
        "terms": "net 30",
        "lines": lines or (line(),),
    }
    return Draft(**{**given, **more})


def full() -> Draft:
    """Every field filled, so that every field can be changed."""
    period = Period(date(2026, 10, 1), date(2026, 10, 31))
    allowance = AllowanceCharge("loyal", False, 0, Decimal(5))
    one = line(
        quantity="2",
        item="A",
        reason="r",
        tax_name="VAT",
        tax_basis="given",
        period=period,
        adjustments=(allowance,),
        order_line="1",
        cost_center="c",
        revenue="services",
    )
    tax: dict[str, Any] = {"category": "S", "rate": Decimal(19)}
    return compute(
        draft(
            one,
            line(id="2"),
            adjustments=(
                AllowanceCharge("big", False, 0, Decimal(10), **tax),
                AllowanceCharge("post", True, 500, **tax),
            ),
            bank=Bank("DE89370400440532013000", "COBADEFF", "Bank"),
            payer="globex",
            period=period,
            delivery_date=date(2026, 10, 31),
            delivery_address=ADDRESS,
            preceding=(Preceding("1", date(2026, 1, 1)),),
            buyer_reference="b",
            purchase_order="p",
            contract="c",
            project="j",
            sales_order="s",
            cost_center="k",
            notes="n",
            tax_currency=TaxCurrency("USD", Decimal("1.1"), date(2026, 1, 1), "ECB"),
            attachments=(Attachment("a", "f"),),
            adopted=Adopted("X1", date(2026, 1, 1), date(2026, 2, 1), 31_654, 1, "d", date(2026, 1, 2)),
            remarks=(DraftWarning("tax_mismatch", "look"),),
        )
    )


def mutations(value: Any) -> Iterator[tuple[str, Any]]:
    """Every single change of one leaf of a value, with its path."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            for path, changed in mutations(getattr(value, field.name)):
                yield f".{field.name}{path}", replace(value, **{field.name: changed})
    elif isinstance(value, tuple):
        for i, item in enumerate(value):
            for path, changed in mutations(item):
                yield f"[{i}]{path}", (*value[:i], changed, *value[i + 1 :])
        if value:
            yield "[-1]", value[:-1]
    elif isinstance(value, bool):
        yield "", not value
    elif isinstance(value, str):
        yield "", value + "x"
    elif isinstance(value, int | Decimal):
        yield "", value + 1
    elif isinstance(value, date):
        yield "", value + timedelta(days=1)


def problems(invalid: pytest.ExceptionInfo[Invalid]) -> dict[str, str]:
    return {problem.path: problem.message for problem in invalid.value.problems}


def test_the_contract_example() -> None:
    priced = compute(draft(line("120.00", "12.5")))
    assert priced.lines[0].net == 150_000
    assert (priced.totals.taxable, priced.totals.tax, priced.totals.total) == (150_000, 28_500, 178_500)


def test_allowances_and_charges_of_lines_and_document() -> None:
    totals = full().totals
    assert full().lines[0].net == 19_000  # 2 × 100 less 5 %
    assert (totals.line_net, totals.allowances, totals.charges) == (29_000, 2_900, 500)
    assert (totals.taxable, totals.tax, totals.total) == (26_600, 5_054, 31_654)


@pytest.mark.parametrize(
    ("quantity", "price", "base", "net"),
    [
        ("1", "0.005", "1", 1),  # HALF_UP, where half-even would give 0
        ("1", "0.015", "1", 2),
        ("3", "10", "7", 429),  # 4.2857…
        ("-1", "0.005", "1", -1),
        ("1", "0.0049999999", "1", 0),
        ("999999999999", "0.0000000001", "1", 10_000),
    ],
)
def test_a_line_is_rounded_once_half_up(quantity: str, price: str, base: str, net: int) -> None:
    credit = line("10000", id="2")
    assert compute(draft(line(price, quantity, price_base=Decimal(base)), credit)).lines[0].net == net


def test_a_line_is_rounded_once_after_its_adjustments() -> None:
    charge = AllowanceCharge("fee", True, 1)
    assert compute(draft(line("0.004", adjustments=(charge,)))).lines[0].net == 1


def test_percentage_of_a_returned_line_reduces_the_return() -> None:
    tenth = AllowanceCharge("rebate", False, 0, Decimal(10))
    assert compute(draft(line("100", "-1", adjustments=(tenth,)), line("500", id="2"))).lines[0].net == -9_000


def test_negative_total_is_refused_and_zero_is_not() -> None:
    with pytest.raises(Invalid) as invalid:
        compute(draft(line("1", "-1")))
    assert "cannot be negative" in problems(invalid)["lines"]
    assert compute(draft(line("0"))).totals.total == 0


def test_tax_problems_carry_their_path() -> None:
    wrong = line(id="2", category="Z", rate=Decimal(19))
    free = AllowanceCharge("x", True, 1)
    taxed = AllowanceCharge("y", False, 1, category="E", rate=Decimal(7))
    with pytest.raises(Invalid) as invalid:
        compute(draft(line(), wrong, adjustments=(free, taxed)))
    paths = [path.removesuffix(".rate") for path in problems(invalid)]
    assert paths == ["lines[1].tax", "allowances[0].tax", "charges[0].tax"]


def test_absurd_amounts_are_refused_not_stored() -> None:
    with pytest.raises(Invalid) as invalid:
        compute(draft(line("999999999999999", "999999999999999"), line()))
    assert list(problems(invalid)) == ["lines[0]"]


def test_adopted_total_must_be_the_lines_total() -> None:
    adopted = Adopted("X", date(2026, 1, 1), date(2026, 1, 31), 11_900)
    assert compute(draft(adopted=adopted)).adopted == adopted
    with pytest.raises(Invalid) as invalid:
        compute(draft(adopted=replace(adopted, total=12_000)))
    assert "119.00" in problems(invalid)["adopt.total"]


def test_a_given_exemption_reason_is_printed() -> None:
    exempt = line(category="E", rate=Decimal(0), reason="§ 4 Nr. 21 UStG")
    assert compute(draft(exempt)).breakdown[0].reason == "§ 4 Nr. 21 UStG"


def test_so_is_each_of_several_once() -> None:
    lines = [
        line(id=str(n), category="E", rate=Decimal(0), reason=reason)
        for n, reason in enumerate(("A", None, "B", "A; B"))
    ]
    fee = AllowanceCharge("Fee", True, 100, None, "E", Decimal(0), "C")
    made = compute(replace(draft(*lines), adjustments=(fee,)))
    assert [row.reason for row in made.breakdown] == ["A; B; C"]
    assert compute(made) == made
    charged = compute(replace(draft(line(category="S", rate=Decimal(19))), adjustments=(fee,)))
    assert [row.reason for row in charged.breakdown] == [None, "C"]


def test_an_allowance_from_before_it_could_be_exempt_keeps_its_hash() -> None:
    assert "exemption" not in codec.encode(AllowanceCharge("Fee", True, 100, None, "E", Decimal(0)))


amounts = st.decimals(0, 10_000, places=4)
taxes = st.sampled_from([("S", Decimal(19)), ("S", Decimal(7)), ("E", Decimal(0)), ("Z", Decimal(0))])


@st.composite
def adjustments(draw: st.DrawFn, taxed: bool) -> AllowanceCharge:
    percent = draw(st.none() | st.decimals(0, 100, places=2))
    category, rate = draw(taxes) if taxed else (None, None)
    amount = draw(st.integers(0, 5_000)) if percent is None else 0
    return AllowanceCharge("why", draw(st.booleans()), amount, percent, category, rate)


@st.composite
def drafts(draw: st.DrawFn) -> Draft:
    lines = []
    for i in range(draw(st.integers(1, 6))):
        category, rate = draw(taxes)
        inner = tuple(draw(st.lists(adjustments(taxed=False), max_size=2)))
        base = draw(st.decimals("0.01", 1_000, places=2))
        quantity = draw(st.decimals(-100, 1_000, places=3))
        of_line = {"category": category, "rate": rate, "price_base": base, "adjustments": inner}
        lines.append(line(str(draw(amounts)), str(quantity), id=str(i), **of_line))
    anchor = line("99999999", "9", id="anchor")  # keeps the total from going negative
    outer = tuple(draw(st.lists(adjustments(taxed=True), max_size=3).filter(_leave_something)))
    return draft(*lines, anchor, currency=draw(st.sampled_from(["EUR", "JPY", "BHD"])), adjustments=outer)


def _leave_something(items: list[AllowanceCharge]) -> bool:
    return sum(item.percent or 0 for item in items if not item.is_charge) < 90


@settings(max_examples=150)
@given(drafts())
def test_sums_and_tax_identities(unpriced: Draft) -> None:
    priced = compute(unpriced)
    totals, outer = priced.totals, priced.adjustments
    assert totals.line_net == sum(item.net for item in priced.lines)  # BR-CO-10
    assert totals.allowances == sum(a.amount for a in outer if not a.is_charge)  # BR-CO-11
    assert totals.charges == sum(a.amount for a in outer if a.is_charge)  # BR-CO-12
    assert totals.taxable == totals.line_net - totals.allowances + totals.charges  # BR-CO-13
    assert totals.taxable == sum(part.taxable for part in priced.breakdown)
    assert totals.tax == sum(part.tax for part in priced.breakdown)  # BR-CO-14
    assert totals.total == totals.taxable + totals.tax  # BR-CO-15
    for part in priced.breakdown:  # BR-CO-17, at most half a minor unit off
        assert abs(2 * (part.taxable * part.rate - part.tax * 100)) <= 100
    scale = 10 ** money.exponent(priced.currency)
    for item in priced.lines:  # multiplied out, so that nothing is rounded twice
        inner = sum(a.amount if a.is_charge else -a.amount for a in item.adjustments)
        exact = item.quantity * item.unit_price * scale + inner * item.price_base
        assert abs(exact - item.net * item.price_base) * 2 <= item.price_base


@settings(max_examples=60)
@given(drafts(), st.lists(st.integers(1, 50_000), min_size=1, max_size=3))
def test_a_prepayment_taken_off_changes_no_percentage(unpriced: Draft, cents: list[int]) -> None:
    paid = tuple(
        line(str(Decimal(each).scaleb(-2)), "-1", id=f"P1.{at}", rate=Decimal(5), deducts=True)
        for at, each in enumerate(cents)
    )
    whole, rest = compute(unpriced), compute(replace(unpriced, lines=(*unpriced.lines, *paid)))
    assert rest.adjustments == whole.adjustments
    assert rest.totals.taxable == whole.totals.taxable + sum(each.net for each in rest.lines if each.deducts)


@settings(max_examples=60)
@given(drafts())
def test_computing_again_changes_nothing_and_json_keeps_all(unpriced: Draft) -> None:
    priced = compute(unpriced)
    assert compute(priced) == priced
    back = from_json(json.loads(json.dumps(to_json(priced))))
    assert back == priced
    assert content_hash(back) == content_hash(priced)


def test_json_round_trip_of_every_field() -> None:
    assert from_json(json.loads(json.dumps(to_json(full()), sort_keys=True))) == full()


def test_every_content_field_enters_the_hash() -> None:
    original = full()
    changed = {path: content_hash(other) for path, other in mutations(original) if not path.startswith(".remarks")}
    assert len(changed) > 120
    assert content_hash(original) not in changed.values()
    assert len(set(changed.values())) == len(changed)


def test_warnings_found_while_drafting_do_not_enter_the_hash() -> None:
    assert content_hash(replace(full(), remarks=())) == content_hash(full())


def test_hash_ignores_key_order_and_spelling_of_numbers() -> None:
    plan = {"schedule": [{"percent": "30", "due": "net 10"}]}
    turned = {"schedule": [{"due": "net 10", "percent": "30"}]}
    one = draft(line("1.50"), terms=plan)
    assert content_hash(one) == content_hash(draft(line("1.5"), terms=turned))


def test_other_formats_and_foreign_fields_are_refused() -> None:
    with pytest.raises(ValueError, match="format"):
        from_json({**to_json(full()), "format": 99})
    with pytest.raises(TypeError, match="colour"):
        from_json({**to_json(full()), "colour": "red"})
