"""The search attributes of an invoice, typed. Keys and numbers only: they are not encrypted on the server.

Never holds a name, an address or a text. A server knows eleven of ours: SQL visibility gives a namespace
10 Keyword, 3 KeywordList, 3 Datetime, 3 Int and 3 Bool columns, so a new one must fit into these.
"""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributeUpdate

from domain import lifecycle, settlement
from domain.account import Account
from domain.actions import Action, Wait

STATE = SearchAttributeKey.for_keyword("InvoiceState")
NUMBER = SearchAttributeKey.for_keyword("InvoiceNumber")
SELLER = SearchAttributeKey.for_keyword("InvoiceSeller")
CUSTOMER = SearchAttributeKey.for_keyword("InvoiceCustomer")
OWNER = SearchAttributeKey.for_keyword("InvoiceOwner")
CURRENCY = SearchAttributeKey.for_keyword("InvoiceCurrency")
FLAGS = SearchAttributeKey.for_keyword_list("InvoiceFlags")
DUE_AT = SearchAttributeKey.for_datetime("InvoiceDueAt")
NEXT_ACTION_AT = SearchAttributeKey.for_datetime("InvoiceNextActionAt")
BALANCE_MINOR = SearchAttributeKey.for_int("InvoiceBalanceMinor")
NEEDS_PERSON = SearchAttributeKey.for_bool("InvoiceNeedsPerson")

KEYS: tuple[SearchAttributeKey[Any], ...] = (
    STATE,
    NUMBER,
    SELLER,
    CUSTOMER,
    OWNER,
    CURRENCY,
    FLAGS,
    DUE_AT,
    NEXT_ACTION_AT,
    BALANCE_MINOR,
    NEEDS_PERSON,
)

WORTH_AN_EVENT = (STATE, FLAGS, NEEDS_PERSON, BALANCE_MINOR)
"""A change of one of these is a transition, and has all others written with it."""
ASKED_FOR = (OWNER, DUE_AT)
"""Whose change alone is written as well, for people look for receivables by them."""

Shown = dict[SearchAttributeKey[Any], Any]


def shown(
    account: Account | None, action: Action | None, now: datetime, state: str, seller: str, private: bool = False
) -> Shown:
    """Every attribute as it stands; None where there is nothing to show. `private`: no amount."""
    if account is None or action is None:
        return {STATE: state, SELLER: seller or None, NEEDS_PERSON: state == "invalid"}
    open_dues = [due.due_on for due, amount in settlement.open_dues(account) if amount > 0]
    return {
        STATE: state,
        NUMBER: account.number,
        SELLER: account.seller,
        CUSTOMER: account.customer,
        OWNER: account.owner,
        CURRENCY: account.currency,
        FLAGS: list(lifecycle.flags(account)),
        DUE_AT: datetime.combine(min(open_dues), time(0), UTC) if open_dues else None,
        NEXT_ACTION_AT: action.until if isinstance(action, Wait) else now,
        BALANCE_MINOR: None if private else account.balance,
        NEEDS_PERSON: lifecycle.needs_person(account),
    }


def updates(before: Shown, after: Shown) -> list[SearchAttributeUpdate[Any]]:
    """What to write so that a reader sees `after`; nothing while only the next action moved. `before` is empty at
    first: a run that continues another may find anything."""
    moved = {key for key in (*WORTH_AN_EVENT, *ASKED_FOR) if before.get(key) != after.get(key)}
    # Asked only here, so that no history has a marker in which nothing but these moved.
    if before and moved.isdisjoint(WORTH_AN_EVENT) and not (moved and workflow.patched("owner-and-due-shown")):
        return []
    return [
        key.value_unset() if value is None else key.value_set(value)
        for key, value in after.items()
        if key not in before or before[key] != value
    ]
