"""The page behind a session's `url`: what is to be paid, and a button for each way of paying that it offers."""

from __future__ import annotations

from html import escape

from adapters.standins.stripe.errors import Json
from domain import money

_WORDS = {"card": "Pay by card", "sepa_debit": "Pay by SEPA debit", "customer_balance": "Pay by bank transfer"}


def render(session: Json, lines: str) -> str:
    currency = session["currency"].upper()
    amount = f"{money.show(session['amount_total'], currency)} {currency}"
    if session["status"] == "open":
        buttons = "".join(
            f'<button name="method" value="{method}">{_WORDS[method]}</button> '
            for method in session["payment_method_types"]
        )
        below = f'<form method="post">{buttons}</form>'
    else:
        below = f"<p>This page is {session['status']}.</p>"
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Pay</title>'
        f"<h1>{escape(lines)}</h1><p>{escape(amount)}</p>{below}</html>"
    )
