"""The receivable as a transaction sees it, with what the transaction has changed itself."""

from __future__ import annotations

from adapters.books import load
from adapters.books.tx import Tx
from domain.account import Account
from domain.policy import Policy
from schemas import tables as t


def read(tx: Tx, row: t.Invoice) -> tuple[Account, Policy]:
    policy = load.policy_of(tx.session, tx.seller, row.policy, row.policy_version)
    return load.account_of(tx.session, tx.seller, row, policy, tx.now), policy
