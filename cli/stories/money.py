"""Six stories of money: how it comes in, how it goes back, and how the books know. Told as those of `told.py` are."""

from __future__ import annotations

from cli.stories.dealing import Dealing
from cli.stories.story import BANK, Story, into

STORIES: list[Story] = []
story = into(STORIES, BANK)


@story("paid by card through the link", "CARD")
async def paid_by_card(s: Dealing) -> None:
    await s.bill("acme", {"Catalogue, printed": "1200.00"}, net=62)
    await s.tell("approve", by="ana")
    await s.to("D-1")
    await s.expect(state="collecting", received=["invoice", "D-3"])
    await s.pays_online("card")
    await s.expect(state="paid", balance="0.00", paid="1200.00", received=["invoice", "D-3", "receipt"])


@story("SEPA debit fails, then a transfer in a camt.053", "SEPA")
async def debit_fails(s: Dealing) -> None:
    await s.bill("nakatomi", {"Lifts, inspection": "1500.00"}, net=55)
    await s.tell("approve", by="ana")
    await s.to("D-1")
    await s.pays_online("sepa_debit")
    await s.expect(state="payment_pending", flags=["payment_pending"], balance="1785.00")
    # Nobody is reminded of what is on its way.
    await s.to("D+4")
    await s.expect(state="payment_pending", received=["invoice", "D-3"])
    await s.debit_fails()
    await s.expect(state="collecting", flags=[], balance="1785.00")
    await s.to("D+5")
    await s.bank_file({f"Rechnung {s.number}": "1785.00"})
    await s.expect(state="paid", balance="0.00", paid="1785.00", received=["invoice", "D-3", "D+1", "receipt"])


@story("chargeback 40 days after closing", "CHARGEBACK")
async def chargeback(s: Dealing) -> None:
    await s.bill("acme", {"Trade fair, stand": "800.00"}, net=40)
    await s.tell("approve", by="ana")
    await s.to("D+2")
    await s.pays_online("card")
    before = ["invoice", "D-3", "D+1", "receipt"]
    await s.expect(state="paid", balance="0.00", received=before)
    await s.charged_back(days=40)
    await s.expect(state="on_hold", balance="800.00", flags=["reopened"], exceptions=["chargeback"])
    s.check(await s.deadline("chargeback") == s.day("D+51"), "a person has nine days to hand in evidence")
    await s.days(14)
    await s.expect(state="on_hold", received=before)
    await s.chargeback_lost()
    await s.expect(state="on_hold", exceptions=["chargeback_lost"])
    await s.tell("release", by="ben")
    # A fresh run of the ladder: the customer owes again.
    await s.days(6)
    await s.expect(state="collecting", received=[*before, "D+1"])
    await s.bank_file({s.number: "800.00"})
    await s.expect(state="paid", balance="0.00", exceptions=[], received=[*before, "D+1", "receipt"])


@story("a bounce: the second contact gets everything", "BOUNCE")
async def bounce(s: Dealing) -> None:
    s.by_sendgrid()
    await s.bill("dunder", {"Paper, forty pallets": "3000.00"}, net=57)
    await s.tell("approve", by="ana")
    await s.expect(state="delivering", received=["invoice"])
    await s.bounces("invoice")
    await s.expect(state="delivering", received=["invoice bounced", "invoice"], why=["invoice moved bounced"])
    await s.expect_to("invoice", "pam@dunder.example", "oscar@dunder.example")
    await s.arrives("invoice")
    await s.expect(state="collecting", exceptions=[], flags=[])
    await s.to("D-2")
    await s.expect_to("D-3", "oscar@dunder.example")
    await s.arrives("D-3")
    await s.to("D+2")
    await s.arrives("D+1")
    await s.pays("3000.00")
    await s.arrives("receipt")
    await s.expect(state="paid", received=["invoice bounced", "invoice", "D-3", "D+1", "receipt"])
    s.check(await s.deliveries() == ["bounced"] + 4 * ["delivered"], "`show` tells what became of each mail")


@story("a stale bank source holds a reminder", "STALE")
async def stale(s: Dealing) -> None:
    await s.bill("nakatomi", {"Sprinklers, yearly": "900.00"}, net=48, policy="watched")
    await s.tell("approve", by="ana")
    await s.to("D+2")
    await s.expect(received=["invoice", "D-3"], why=["D+1 withheld stale_source"])
    await s.to("D+4")
    await s.expect(exceptions=["stale_source"])
    await s.bank_file()
    await s.expect(received=["invoice", "D-3", "D+1"], exceptions=[])
    await s.to("D+9")
    await s.expect(received=["invoice", "D-3", "D+1"])
    await s.bank_file({s.number: "1071.00"})
    await s.expect(state="paid", received=["invoice", "D-3", "D+1", "receipt"])


@story("one transfer for three invoices", "THREE")
async def three(s: Dealing) -> None:
    shipments = [s, s.another(), s.another()]
    for each, price in zip(shipments, ("1000.00", "700.00", "300.00"), strict=True):
        await each.bill("nakatomi", {"Shipment": price}, net=64)
        await each.tell("approve", by="ana")
    for each in shipments:
        await each.to("D-4")
    await s.bank_file({", ".join(each.number for each in shipments): "2380.00"})
    for each in shipments:
        await each.expect(state="paid", balance="0.00", received=["invoice", "receipt"])
