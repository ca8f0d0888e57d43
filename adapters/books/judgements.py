"""What people thought of messages that were decided on, and what that says of each rung: the evidence for letting it go
by itself. It lets nothing go: a new policy version does."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, time

from sqlalchemy import Engine
from sqlmodel import col

from adapters.books.checks.finding import pick
from adapters.books.engine import read
from adapters.books.tx import Tx
from domain import calendar
from domain.trust import Evidence
from schemas import tables as t

ASKED = ("held", "would_send")
VETO = "veto"


def give(tx: Tx, message: str, invoice: str, by: str, verdict: str, comment: str = "") -> bool:
    """Keeps a person's verdict, `agree` or `veto`; the last one counts. Answers whether it is new."""
    row = tx.session.get(t.Judgement, (message, by))
    if row is not None and (row.verdict, row.comment) == (verdict, comment):
        return False
    if row is None:
        row = t.Judgement(message=message, by=by, seller=tx.seller.key, verdict=verdict, at=tx.now)
    row.verdict, row.comment, row.at = verdict, comment, tx.now
    tx.session.add(row)
    about = {"comment": tx.text(comment)} if comment else {}
    tx.audit("judgement.given", by, tx.actor_kind(by), invoice, message=message, verdict=verdict, **about)
    return True


def agreement(engine: Engine, seller: str | None, since: date | None) -> list[Evidence]:
    """Policy by policy and rung by rung, how often people agreed with what was decided since that day, UTC. One veto
    outweighs whoever agreed; a copy that a rung's provider gave back and was tried again counts once."""
    query = (
        pick(t.Why.policy, t.Why.rung, t.Why.kind, t.Message.template, t.Message.key)
        .join(t.Message, col(t.Message.key) == col(t.Why.message))
        .where(col(t.Why.verdict).in_(ASKED))
    )
    verdicts = pick(t.Judgement.message, t.Judgement.verdict)
    if seller is not None:
        query, verdicts = query.where(col(t.Why.seller) == seller), verdicts.where(col(t.Judgement.seller) == seller)
    if since is not None:
        query = query.where(col(t.Why.at) >= calendar.at(since, time(0), "UTC"))
    decided: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    said: dict[str, set[str]] = defaultdict(set)
    with read(engine) as session:
        for policy, rung, kind, template, key in session.execute(query):
            decided[policy, rung or kind, template].add(key)
        for key, verdict in session.execute(verdicts):
            said[key].add(verdict)
    return [_evidence(about, keys, said) for about, keys in sorted(decided.items(), key=lambda each: each[0])]


def _evidence(about: tuple[str, str, str], keys: set[str], said: dict[str, set[str]]) -> Evidence:
    policy, rung, template = about
    judged = [said[key] for key in keys if key in said]
    vetoed = sum(VETO in each for each in judged)
    return Evidence(
        policy=policy, rung=rung, template=template, decided=len(keys), agreed=len(judged) - vetoed, vetoed=vetoed
    )
