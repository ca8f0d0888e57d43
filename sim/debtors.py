"""Who owes and how they behave: the distributions that lives are drawn from, in the tables below, and the events that
each fate means. Draws only from the dice it is given."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from sim.dice import drawn
from sim.plan import DAY, HOUR, Event, Manners

FATES = {
    "early": 10,  # pays days before the due date
    "on_time": 24,
    "late": 20,  # 1 to 20 days after the due date
    "very_late": 5,  # 21 to 60
    "partial": 6,  # in two or three parts
    "overpaying": 3,
    "paying_twice": 2,
    "disputing": 7,  # all of it
    "disputing_a_part": 5,
    "promising_kept": 4,
    "promising_broken": 3,
    "returned_debit": 2,
    "chargeback": 2,
    "unapplied": 2,  # a payment that was another's
    "plan": 2,
    "extended": 2,
    "credited": 2,
    "written_off": 2,
    "held": 3,
    "silent": 6,
    "amended": 2,
    "cancelled_before": 2,
    "cancelled_after": 2,
    "unreadable": 1,
    "babbling": 2,  # malformed, mistaken and unauthorised words all along
}
CUSTOMERS = {
    "globex": 9, "initech": 6, "hooli": 4, "umbrella": 3, "wonka": 4, "stark": 4, "wayne": 4, "tyrell": 3,
    "soylent": 3, "vandelay": 3, "bezirksamt": 2, "maxi": 3,
}  # fmt: skip
"""Of the demo's seed: few, so that lives meet at a contact."""
UNION, ABROAD = ("hooli", "umbrella", "wonka", "soylent"), ("stark", "wayne", "tyrell", "vandelay")
TAXES = {"right": 85, "domestic": 15}
"""What upstream says of the tax: right for where the customer is, or 19 % for everybody, which is a warning."""
TERMS = {"": 40, "net 14": 20, "due on receipt": 8, "2/10 net 30": 16, "14 eom": 6, "net 60": 6, "30/70": 4}
DAYS = {"": 30, "net 14": 14, "due on receipt": 0, "2/10 net 30": 30, "14 eom": 30, "net 60": 60, "30/70": 30}
"""Roughly when they fall due: what a debtor aims at."""
POLICIES = {"": 60, "gentle": 12, "none": 4, "dense": 12, "careful": 12}
"""Of the invoice; without one the customer's or the seller's, `standard`. `careful` has a person release messages."""
CURRENCIES = {"EUR": 88, "USD": 6, "CHF": 4, "JPY": 2}
SIZES = {"small": 50, "usual": 40, "large": 10}
RANGES = {"small": (20, 200), "usual": (260, 8_000), "large": (11_000, 90_000)}
"""Whole units of the currency, net: below, between and above the approval tiers of `standard`."""
PAYERS = {"ben": 90, "sam": 10}
"""Who keeps a payment by hand; what an owner keeps needs a controller's approval."""


def request(random: Random, number: int, fate: str) -> tuple[dict[str, Any], int, int]:
    """The request, its gross total in minor units, and in how many days it is roughly due."""
    terms, policy = drawn(random, TERMS), drawn(random, POLICIES)
    currency, customer = drawn(random, CURRENCIES), drawn(random, CUSTOMERS)
    if customer == "maxi":
        policy = ""  # only `consumer` may chase one
    low, high = RANGES[drawn(random, SIZES)]
    first, second = random.randint(low, high), random.randint(1, 40)
    prices = (first, second) if random.random() < 0.3 else (first,)
    category, rate = _tax(random, customer)
    scale = 100 if currency == "JPY" else 1  # a hundred yen, so that 19 % are whole everywhere
    body: dict[str, Any] = {
        "seller": "demo",
        "reference": f"L-{number}",
        "created_by": "crm",
        "customer": customer,
        "currency": currency,
        "lines": [
            {"description": f"Work {n + 1}", "quantity": "1", "unit_price": str(each * scale),
             "tax": {"category": category, "rate": str(rate)}}
            for n, each in enumerate(prices)
        ],
    }  # fmt: skip
    if terms == "30/70":
        body["terms"] = {"schedule": [{"percent": "30", "due": "net 10"}, {"percent": "70", "due": "net 30"}]}
    elif terms:
        body["terms"] = terms
    if policy:
        body["policy"] = policy
    return body, sum(prices) * (100 + rate), DAYS[terms]


def _tax(random: Random, customer: str) -> tuple[str, int]:
    """Category and rate (Directive 2006/112/EC Art. 44 and 196)."""
    right = drawn(random, TAXES) == "right"
    if right and customer in UNION:
        return "AE", 0
    return ("G", 0) if right and customer in ABROAD else ("S", 19)


def manners(random: Random, fate: str) -> Manners:
    return Manners(
        approve_after=random.choice((1, HOUR, 5 * HOUR, DAY, 3 * DAY, 8 * DAY)),
        rejects=random.random() < 0.03,
        held_after=random.choice((HOUR, DAY, 4 * DAY)),
        skips=random.random() < 0.2,
        resolve_after=random.choice((HOUR, 2 * DAY, 6 * DAY, 25 * DAY)),
        outcome=random.choice(("withdrawn", "rejected", "accepted", "partly")),
        stuck_after=random.choice((HOUR, DAY, 5 * DAY)),
        at_the_end=random.choice(("write_off", "hand_over", "leave")),
        end_after=random.choice((DAY, 12 * DAY)),
    )


def pay(random: Random, at: int, amount: str = "$rest", name: str = "1", **more: Any) -> Event:
    body = {"by": drawn(random, PAYERS), "amount": amount, "received_on": "$day", "method": "transfer"}
    return Event(at=at, what="pay", body={**body, "external_id": f"$ref-{name}"}, **more)


def said(at: int, what: str, by: str, via: str = "update", **body: Any) -> Event:
    return Event(at=at, what=what, body={"by": by, **body}, via=via)


Fate = Callable[[Random, int], list[Event]]
"""From the dice and the minute at which it is roughly due to what the debtor does."""


def _late(random: Random, due: int) -> list[Event]:
    """Sometimes just while a reminder is about to leave, as only the provider's own account of it can."""
    if random.random() < 0.4:
        return [Event(at=due + 70 * DAY, what="provider_paid", via="outside", on_send=random.randint(1, 3))]
    return [pay(random, due + random.randint(DAY, 20 * DAY))]


def _partial(random: Random, due: int) -> list[Event]:
    parts = random.randint(1, 2)
    firsts = [pay(random, due + random.randint(-5 * DAY, 12 * DAY), "$third", str(n)) for n in range(parts)]
    rest = [pay(random, due + random.randint(13 * DAY, 50 * DAY), name="rest")] if random.random() < 0.8 else []
    return firsts + rest


def _disputing(random: Random, due: int, part: bool = False) -> list[Event]:
    at = due + random.randint(-10 * DAY, 16 * DAY)
    about = {"amount": "$third"} if part else {}
    via = random.choice(("update", "signal"))
    first = said(at, "dispute", "purchasing", via, reason="damaged", code="quality", **about)
    again = [said(at + 20 * DAY, "dispute", "purchasing", reason="again", amount="$third")] * (random.random() < 0.2)
    return [first, *again, pay(random, due + random.randint(17 * DAY, 60 * DAY))]


def _promising(random: Random, due: int, kept: bool) -> list[Event]:
    at, ahead = due + random.randint(0, 8 * DAY), random.randint(2, 12)
    some = {"amount": "$third"} if random.random() < 0.3 else {}
    promise = said(at, "promise", "billing", date=f"$day+{ahead}", **some)
    paid = at + random.randint(1, ahead) * DAY if kept else at + (ahead + random.randint(3, 25)) * DAY
    return [promise, pay(random, paid)]


def _returned(random: Random, due: int, what: str) -> list[Event]:
    paid = due + random.randint(-3 * DAY, 5 * DAY)
    back = paid + random.randint(DAY, 30 * DAY)
    came = Event(at=paid, what="provider_paid", via="outside", times=random.randint(1, 2))
    went = Event(at=back, what=what, via="outside", times=random.randint(1, 2))
    return [came, went, pay(random, back + random.randint(5 * DAY, 40 * DAY))]


def _unapplied(random: Random, due: int) -> list[Event]:
    back = Event(at=due + random.randint(6 * DAY, 20 * DAY), what="unapply", via="outside")
    return [pay(random, due + random.randint(0, 5 * DAY)), back, pay(random, due + 45 * DAY, name="2")]


def _plan(random: Random, due: int) -> list[Event]:
    at = due + random.randint(1, 9) * DAY
    parts = [{"due": "$day+10", "amount": "$half"}, {"due": "$day+40", "amount": "$other_half"}]
    first = said(at, "plan", "ben", instalments=parts)
    paid = [pay(random, at + 8 * DAY, "$half", "1"), pay(random, at + random.randint(20, 60) * DAY, name="2")]
    return [first, *(paid if random.random() < 0.7 else paid[1:])]


def _held(random: Random, due: int) -> list[Event]:
    at = due + random.randint(-4 * DAY, 8 * DAY)
    until = {"until": f"$day+{random.randint(2, 20)}"} if random.random() < 0.4 else {}
    hold = said(at, "hold", "sam", random.choice(("update", "signal")), reason="clearing with sales", **until)
    free = said(at + random.randint(1, 25) * DAY, "release", "sam")
    return [hold, *([] if until else [free]), pay(random, due + random.randint(10, 60) * DAY)]


def _amended(random: Random, due: int) -> list[Event]:
    return [said(random.randint(0, DAY), "amend", "crm", request="$amended"), pay(random, due + 2 * DAY)]


def _babbling(random: Random, due: int) -> list[Event]:
    words: list[Event] = []
    for _ in range(random.randint(3, 9)):
        at = random.randint(0, due + 20 * DAY)
        junk: dict[str, Any] = random.choice(({}, {"by": ""}, {"by": "ben", "nonsense": 1}, {"by": 7}))
        name = random.choice(("pay", "approve", "dispute", "promise", "hold", "credit", "note"))
        words.append(Event(at=at, what=name, body=junk, via=random.choice(("signal", "signal", "update"))))
    wrong = [said(due - DAY, "credit", "sam", reason="may not", amount="$third"),
             said(due, "approve", "nobody"), said(due + DAY, "write_off", "crm", reason="a machine"),
             said(due + DAY, "note", "sam", "signal", text="asked for a copy of the order")]  # fmt: skip
    return [*words, *wrong, pay(random, due + random.randint(0, 25 * DAY), times=2)]


LIVES: dict[str, Fate] = {
    "early": lambda r, due: [pay(r, r.randint(DAY, max(DAY, due - DAY)))],
    "on_time": lambda r, due: [pay(r, due + r.randint(-2 * DAY, 0))],
    "late": _late,
    "very_late": lambda r, due: [pay(r, due + r.randint(21 * DAY, 60 * DAY))],
    "partial": _partial,
    "overpaying": lambda r, due: [pay(r, due + r.randint(-5 * DAY, 9 * DAY), "$over")],
    "paying_twice": lambda r, due: [pay(r, due), pay(r, due + r.randint(0, 3 * DAY), "$gross", "2")],
    "disputing": _disputing,
    "disputing_a_part": lambda r, due: _disputing(r, due, part=True),
    "promising_kept": lambda r, due: _promising(r, due, kept=True),
    "promising_broken": lambda r, due: _promising(r, due, kept=False),
    "returned_debit": lambda r, due: _returned(r, due, "provider_returned"),
    "chargeback": lambda r, due: _returned(r, due, "provider_chargeback"),
    "unapplied": _unapplied,
    "plan": _plan,
    "extended": lambda r, due: [
        said(due - DAY, "extend", "ben", due=f"$day+{r.randint(5, 40)}", reason="agreed by phone"),
        pay(r, due + r.randint(2, 50) * DAY),
    ],
    "credited": lambda r, due: [
        said(due - DAY, "credit", "ben", reason="goodwill", amount="$third"),
        pay(r, due + r.randint(1, 20) * DAY),
    ],
    "written_off": lambda r, due: [said(due + r.randint(9, 40) * DAY, "write_off", "ben", reason="insolvent")],
    "held": _held,
    "silent": lambda r, due: [],
    "amended": _amended,
    "cancelled_before": lambda r, due: [said(1, "cancel", "crm", reason="ordered twice")],
    "cancelled_after": lambda r, due: [said(max(DAY, due - 3 * DAY), "cancel", "ben", reason="ordered twice")],
    "unreadable": lambda r, due: [said(2 * DAY, "amend", "ana", request="$request"), pay(r, due + 5 * DAY)],
    "babbling": _babbling,
}
