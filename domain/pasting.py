"""Commands as JSON that a person pastes into the Web UI: filled with what this receivable has (hash, subject, dispute,
message, balance, dates), `…` where only the person knows. Never chooses for anybody: `by` is always left open."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from domain import calendar
from domain.account import Account
from domain.money import show

YOURS = "…"
_ENCODED = json.JSONEncoder(ensure_ascii=False).encode
WIDTH = 44
"""Characters that the Web UI shows in one line beside its menu; longer JSON takes a line a field."""

MEANS = {
    "approve": "say yes to what is shown here",
    "reject": "say no; it can be amended",
    "amend": "replace the whole request",
    "cancel": "end it before it is issued",
    "dispute": "what is named is not chased until `resolve`",
    "resolve": "`withdrawn`, `rejected`, `accepted` or `partly` with `credit`",
    "promise": "no reminder until that day has passed",
    "plan": "parts instead of the whole, each due on its day",
    "accelerate": "all that the plan left open is due at once",
    "extend": "a new due date, and the ladder from there",
    "hold": "no reminder until `release`",
    "release": "the ladder goes on, at the distance it had",
    "credit": "a credit note, through the approval tiers",
    "write_off": "give up what is open, through the approval tiers",
    "pay": "money that came by another way, booked once",
    "refund": "give back what is the customer's",
    "hand_over": "to a collector; nothing is sent any more",
    "send": "let the message go",
    "skip": "the message never goes",
    "resend": "the document once more; `to` for another address",
    "assign": "another owner",
    "escalate": "a person must decide",
    "note": "on record, and nothing else",
}


def filled(
    names: Iterable[str], account: Account, examples: Mapping[str, Mapping[str, Any]], now: datetime
) -> dict[str, dict[str, Any]]:
    """These commands by name. `examples` are those of the contract, for the fields nobody could fill here."""
    today = calendar.local_date(now, account.seller_place.timezone)
    balance = _amount(account, account.balance)
    known: dict[str, dict[str, Any]] = {
        "amend": {"request": _request(examples, account.seller, account.reference)},
        "promise": {"date": _in(today, 7)},
        "plan": {"instalments": _halves(account, today)},
        "extend": {"due": _in(today, 14), "reason": YOURS},
        "credit": {"amount": balance, "reason": YOURS},
        "pay": {"amount": balance, "received_on": today.isoformat(), "method": "transfer", "external_id": YOURS},
        "refund": {"amount": _amount(account, account.customer_credit), "reason": YOURS},
        "resend": {},
        "assign": {"owner": YOURS},
        **_waiting(account),
    }
    return {name: {"by": YOURS, **(known[name] if name in known else _free(examples[name]))} for name in names}


def _free(example: Mapping[str, Any]) -> dict[str, Any]:
    return {key: YOURS for key in example if key != "by"}


def unread(examples: Mapping[str, Mapping[str, Any]], named: tuple[str, str] | None) -> dict[str, dict[str, Any]]:
    """What is left to do about a request that cannot be read; `named`: seller and reference of the workflow's id."""
    request = _request(examples, *named) if named else examples["amend"]["request"]
    return {"amend": {"by": YOURS, "request": request}, "cancel": {"by": YOURS, "reason": YOURS}}


def as_json(body: Mapping[str, Any]) -> str:
    """One line where it fits, else a line a field."""
    line = _ENCODED(body)
    if len(line) <= WIDTH:
        return line
    fields = (f"  {_ENCODED(key)}: {_ENCODED(value)}" for key, value in body.items())
    return "{\n" + ",\n".join(fields) + "\n}"


def _waiting(account: Account) -> dict[str, dict[str, Any]]:
    """What is about one thing that waits: the subject, the dispute, the message."""
    found: dict[str, dict[str, Any]] = {}
    if account.subjects:
        waiting = account.subjects[0]
        found["approve"] = {"subject": waiting.id, "hash": waiting.hash}
        found["reject"] = {"subject": waiting.id, "reason": YOURS}
    dispute = next((d.id for d in account.disputes if d.outcome is None), None)
    if dispute is not None:
        found["resolve"] = {"dispute": dispute, "outcome": "rejected"}
    message = next((m.key for m in account.messages if m.stuck), None)
    if message is not None:
        found["send"] = {"message": message}
        found["skip"] = {"message": message, "reason": YOURS}
    return found


def _request(examples: Mapping[str, Mapping[str, Any]], seller: str, reference: str) -> dict[str, Any]:
    return {**examples["amend"]["request"], "seller": seller, "reference": reference}


def _halves(account: Account, today: date) -> list[dict[str, str]]:
    half = max(account.balance, 0) // 2
    parts = [part for part in (account.balance - half, half) if part > 0] or [0]
    return [
        {"due": _in(today, 14 + 30 * number), "amount": _amount(account, part)} for number, part in enumerate(parts)
    ]


def _amount(account: Account, amount: int) -> str:
    return show(amount, account.currency) if amount > 0 else YOURS


def _in(today: date, days: int) -> str:
    return (today + timedelta(days=days)).isoformat()
