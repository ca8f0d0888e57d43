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
    await s.expect(state="paid", balance="0.00", paid="1785.00")


@story("chargeback 40 days after closing", "CHARGEBACK")
async def chargeback(s: Dealing) -> None:
    await s.bill("acme", {"Trade fair, stand": "800.00"}, net=60)
    await s.tell("approve", by="ana")
    await s.to("D-5")
    await s.pays_online("card")
    await s.expect(state="paid", balance="0.00", received=["invoice", "receipt"])
    await s.charged_back(days=40)
    await s.expect(state="on_hold", balance="800.00", flags=["reopened"], exceptions=["chargeback"])
    await s.chargeback_lost()
    await s.expect(state="on_hold", exceptions=["chargeback_lost"])


@story("a bounce: the second contact gets everything", "BOUNCE")
async def bounce(s: Dealing) -> None:
    s.by_sendgrid()
    await s.bill("dunder", {"Paper, forty pallets": "3000.00"}, net=50)
    await s.tell("approve", by="ana")
    await s.bounces("invoice")
    await s.expect(received=["invoice bounced", "invoice"])
    await s.expect_to("invoice", "pam@dunder.example", "oscar@dunder.example")
    await s.arrives("invoice")
    await s.to("D-2")
    await s.arrives("D-3")
    await s.to("D+2")
    await s.expect(state="collecting", received=["invoice bounced", "invoice", "D-3", "D+1"])


@story("a stale bank source holds a reminder", "STALE")
async def stale(s: Dealing) -> None:
    await s.bill("nakatomi", {"Sprinklers, yearly": "900.00"}, net=48, policy="watched")
    await s.tell("approve", by="ana")
    await s.to("D+2")
    await s.expect(received=["invoice", "D-3"], why=["D+1 held stale_source"])
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
