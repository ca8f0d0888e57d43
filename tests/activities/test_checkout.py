"""A customer who wants to pay gets one page, for what settles the receivable now."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, create_engine, text
from temporalio.exceptions import ApplicationError

from adapters.books.verify import verify
from adapters.payment.bank_only import BankOnly
from adapters.standins.stripe.server import StandIn
from domain.payments import SessionRequest
from schemas.adapters import adapter
from schemas.incoming import Checkout
from tests.activities.desk import DAY, Desk, at_the_counter, issued, stripe
from tests.story import Story

TOTAL = "140.40"  # 119.00 + 2 × 10.00 at 7 %
HALVES = {"schedule": [{"percent": "50", "due": "net 14"}, {"percent": "50", "due": "net 30"}]}
GRACE_DAYS = 2  # policy `standard`
BERLIN = ZoneInfo("Europe/Berlin")


def window_end(desk: Desk) -> datetime:
    """The end of the discount's last day, grace included."""
    account = desk.account()
    return datetime.combine(account.discounts[0].until + (GRACE_DAYS + 1) * DAY, datetime.min.time(), BERLIN)


async def test_one_page_serves_every_click_and_knows_only_keys(seeded: Engine, sim: StandIn) -> None:
    async with issued(seeded, sim) as desk:
        first = await desk.checkout()
        assert (first.state, first.amount, first.currency) == ("open", TOTAL, "EUR")
        assert first.expires_at is not None
        desk.story.now += timedelta(hours=3)
        assert (await desk.checkout()) == first
        [page] = desk.pages()
        [row] = desk.rows()
        assert (row.state, row.provider_id, row.url) == ("open", page["id"], first.url)
        assert page["metadata"] == {
            "seller": "demo",
            "invoice": desk.story.id,
            "session": f"{desk.story.id}/checkout-1",
            "minted_at": row.minted_at.isoformat(),
        }
        assert page["cancel_url"] == f"https://pay.example/i/{desk.story.id}"
        assert page["success_url"] == f"https://pay.example/i/{desk.story.id}?done=paid"
        assert (page["locale"], page["customer_email"], page["customer"]) == ("de", None, None)
        assert sim.state.lines[page["id"]] == f"Rechnung {desk.account().number}"


async def test_what_was_paid_is_booked_at_the_next_click(seeded: Engine, sim: StandIn) -> None:
    async with issued(seeded, sim) as desk:
        await desk.checkout()
        sim.pay(desk.page())
        assert (await desk.checkout()) == Checkout(state="nothing_owed")
        assert desk.told == [desk.story.id]
        assert desk.account().phase == "paid"
        assert desk.states() == ["paid"]
        assert (await desk.checkout()) == Checkout(state="nothing_owed")
        assert [receipt.amount for receipt in desk.receipts()] == [14040]
        assert verify(seeded) == []


async def test_a_debit_under_way_is_in_progress_and_can_be_tried_again_once_it_failed(
    seeded: Engine, sim: StandIn
) -> None:
    async with issued(seeded, sim) as desk:
        await desk.checkout()
        page = desk.page()
        sim.pay(page, "sepa_debit")
        under_way = Checkout(state="in_progress", amount=TOTAL, currency="EUR")
        assert [await desk.checkout(), await desk.checkout()] == [under_way] * 2
        assert desk.account().pending_payment == desk.account().balance
        sim.fail(page)
        await desk.hear()
        assert desk.account().pending_payment == 0
        assert (await desk.checkout()).state == "open"
        assert desk.states() == ["failed", "open"]


@pytest.mark.parametrize("method", ["card", "sepa_debit"])
async def test_a_page_that_is_paid_in_while_it_is_replaced_counts(seeded: Engine, sim: StandIn, method: str) -> None:
    """The customer chose to pay all of it in a second tab, and paid in the first."""
    async with issued(seeded, sim, terms=HALVES) as desk:
        assert (await desk.checkout()).amount == "70.20"
        sim.pay(desk.page(), method)
        answer = await desk.checkout(everything=True)
        if method == "card":
            assert (answer.state, answer.amount) == ("open", "70.20")
            assert desk.states() == ["paid", "open"]
        else:
            assert answer.state == "in_progress"
            assert desk.states() == ["processing"]


async def test_another_amount_ends_the_page_before_a_new_one_opens(seeded: Engine, sim: StandIn) -> None:
    async with issued(seeded, sim, terms=HALVES) as desk:
        said = [(await desk.checkout(everything)).amount for everything in (False, True, False)]
        assert said == ["70.20", TOTAL, "70.20"]
        desk.story.command("credit", "ben", amount="100.00", reason="goodwill")
        assert (await desk.checkout()).amount == "40.40"
        assert desk.states() == ["expired", "expired", "expired", "open"]
        assert [page["status"] for page in desk.pages()] == ["expired", "expired", "expired", "open"]
        assert verify(seeded) == []


async def test_a_page_lives_until_its_discount_ends_and_the_discount_is_granted(seeded: Engine, sim: StandIn) -> None:
    async with issued(seeded, sim, terms="2/10 net 30") as desk:
        first = await desk.checkout()
        assert first.amount == "137.59"
        account = desk.account()
        until = window_end(desk)
        desk.story.now = until - timedelta(hours=5)
        last = await desk.checkout()
        assert (last.amount, last.expires_at) == ("137.59", until)
        assert desk.states() == ["expired", "open"]
        sim.pay(desk.page(), "sepa_debit", at=until - timedelta(minutes=1))
        desk.story.now = until + timedelta(hours=1)
        assert (await desk.checkout()).state == "in_progress"
        desk.story.run(6)
        assert desk.account().messages == account.messages
        sim.settle(desk.pages()[-1]["id"], at=desk.story.now)
        await desk.hear()
        assert (desk.account().phase, desk.account().discounted) == ("paid", 281)
        assert verify(seeded) == []


async def test_in_the_last_minutes_of_a_discount_no_new_page_offers_it(seeded: Engine, sim: StandIn) -> None:
    async with issued(seeded, sim, terms="2/10 net 30") as desk:
        desk.story.now = window_end(desk) - timedelta(minutes=20)
        assert (await desk.checkout()).amount == TOTAL


async def test_a_disputed_part_is_left_out_and_the_discount_stands(seeded: Engine, sim: StandIn) -> None:
    async with issued(seeded, sim, terms="2/10 net 30") as desk:
        desk.story.command("dispute", "globex", reason="one book too many", amount="10.70")
        assert (await desk.checkout()).amount == "126.89"
        sim.pay(desk.page())
        assert (await desk.checkout()).amount == "10.70"
        assert (desk.account().discounted, desk.account().balance) == (281, 1070)
        assert verify(seeded) == []


async def test_what_is_wholly_disputed_can_still_be_paid(seeded: Engine, sim: StandIn) -> None:
    async with issued(seeded, sim) as desk:
        desk.story.command("dispute", "globex", reason="never ordered")
        assert (await desk.checkout()).amount == TOTAL


async def test_a_page_past_its_end_is_replaced(seeded: Engine, sim: StandIn) -> None:
    async with issued(seeded, sim) as desk:
        first = await desk.checkout()
        desk.story.now += DAY
        second = await desk.checkout()
        assert second.state == "open"
        assert second.url != first.url
        sim.expire(desk.page())
        assert (await desk.checkout()).state == "open"
        assert desk.states() == ["expired", "expired", "open"]


async def test_a_page_that_stripe_does_not_know_any_more_is_replaced(seeded: Engine, sim: StandIn) -> None:
    async with issued(seeded, sim) as desk:
        await desk.checkout()
        del sim.state.tables["checkout.session"][desk.page()]
        assert (await desk.checkout()).state == "open"
        assert desk.states() == ["expired", "open"]


async def test_twenty_at_once_open_one_page(seeded: Engine, sim: StandIn) -> None:
    async with issued(seeded, sim) as desk:
        said = await asyncio.gather(*(desk.checkout() for _ in range(20)), return_exceptions=True)
        answers = [each for each in said if isinstance(each, Checkout)]
        busy = [each for each in said if isinstance(each, ApplicationError)]
        assert len(answers) + len(busy) == 20
        assert {each.type for each in busy} <= {"ProviderDown"}
        assert len({answer.url for answer in answers}) == 1
        assert len(desk.pages()) == 1
        assert desk.states() == ["open"]


async def test_twenty_at_once_who_want_different_amounts_leave_one_page_open(seeded: Engine, sim: StandIn) -> None:
    async with issued(seeded, sim, terms=HALVES) as desk:
        await asyncio.gather(*(desk.checkout(bool(n % 2)) for n in range(20)), return_exceptions=True)
        assert len(desk.pages("open")) <= 1
        assert len([state for state in desk.states() if state in {"open", "claimed"}]) <= 1
        assert (await desk.checkout()).amount == "70.20"
        assert len(desk.pages("open")) == 1
        assert verify(seeded) == []


async def test_nothing_is_owed_before_issue_and_after_the_end(seeded: Engine, sim: StandIn) -> None:
    story = Story(seeded, "demo", "DRAFT")
    async with at_the_counter(seeded, sim, story) as desk:
        assert (await desk.checkout()) == Checkout(state="nothing_owed")
        story.start("globex", "100.00")
        story.run(0)
        assert (await desk.checkout()) == Checkout(state="nothing_owed")
        assert desk.rows() == []


async def test_by_transfer_only_there_is_no_page_and_no_row(seeded: Engine, sim: StandIn) -> None:
    async with issued(seeded, sim, BankOnly()) as desk:
        assert (await desk.checkout()) == Checkout(state="unavailable", amount=TOTAL, currency="EUR")
        await desk.cashier.look(desk.next_reminder())
        assert desk.rows() == []


async def test_what_stripe_would_never_take_is_left_to_a_transfer(seeded: Engine, sim: StandIn) -> None:
    """28 cents: less than the least that Stripe charges."""
    terms = {"schedule": [{"percent": "0.2", "due": "net 14"}, {"percent": "99.8", "due": "net 30"}]}
    async with issued(seeded, sim, terms=terms) as desk:
        assert (await desk.checkout()).state == "unavailable"
        assert desk.states() == ["failed"]
        assert (await desk.checkout(everything=True)).state == "open"


async def test_a_key_that_was_used_for_something_else_is_given_up(seeded: Engine, sim: StandIn) -> None:
    """Two books that share one Stripe account, as after a restore."""
    async with issued(seeded, sim) as desk:
        theirs = stripe(sim)
        now = desk.story.now
        await theirs.open(
            SessionRequest(
                key=f"{desk.story.id}/checkout-1",
                seller="demo",
                invoice="invoice-demo-OTHER",
                number="1",
                amount=100,
                currency="EUR",
                minted_at=now,
                expires_at=now + timedelta(hours=1),
                language="de",
                back_url="https://pay.example",
            )
        )
        await theirs.close()
        assert (await desk.checkout()).state == "unavailable"
        assert (await desk.checkout()).state == "open"
        assert desk.states() == ["failed", "open"]


async def test_a_claim_is_repeated_with_what_was_stored(seeded: Engine, sim: StandIn) -> None:
    async with issued(seeded, sim) as desk:
        sim.faults.down()
        with pytest.raises(ApplicationError, match="HTTP 500"):
            await desk.checkout()
        [row] = desk.rows()
        asked = adapter(SessionRequest).validate_python(row.params)
        assert (row.state, asked.key, asked.amount, asked.minted_at) == ("claimed", row.id, row.amount, row.minted_at)
        sim.faults.up()
        desk.story.now += timedelta(minutes=5)
        assert (await desk.checkout()).expires_at == asked.expires_at


async def test_books_that_tell_another_amount_than_was_asked_for_are_found(seeded: Engine, sim: StandIn) -> None:
    async with issued(seeded, sim) as desk:
        await desk.checkout()
        assert verify(seeded) == []
        owner = create_engine(seeded.url)
        for change in ("amount = amount + 1", "discount = 5", "state = 'paid'"):
            with owner.begin() as connection:
                connection.execute(text(f"UPDATE payment_sessions SET {change}"))
            assert {b.row for b in verify(seeded)} == {f"payment_sessions {desk.story.id}/checkout-1"}, change
            with owner.begin() as connection:
                connection.execute(text("UPDATE payment_sessions SET amount = 14040, discount = 0, state = 'open'"))
        owner.dispose()
