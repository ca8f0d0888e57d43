"""What became of a statement file, in counts and in the questions it left for a person. It writes nothing."""

from __future__ import annotations

from typing import Any

from sqlmodel import col, exists, func, or_, select

from adapters.books.tx import Tx
from domain.exceptions import SETTLED_BY
from domain.money import show
from schemas import tables as t
from schemas.incoming import FileReport, Question

SHOWN = 20


def of(tx: Tx, file: t.BankFile) -> FileReport:
    own = (t.BankLine.seller == file.seller, t.BankLine.file == file.id)
    query = select(t.BankLine.state, t.BankLine.rule, func.count()).where(*own)
    counts: dict[str, int] = {}
    left = 0
    for state, rule, count in tx.session.exec(query.group_by(col(t.BankLine.state), col(t.BankLine.rule))):
        if state == "new":
            left += count
        else:
            name = f"unclear: {rule}" if state == "unclear" else rule
            counts[name] = counts.get(name, 0) + count
    return FileReport(
        lines=file.lines, known=file.lines - file.fresh, left=left, counts=counts, questions=_questions(tx, file)
    )


def outcome(file: t.BankFile) -> str:
    known = file.lines - file.fresh
    told = f"{file.lines} lines" + (f", {known} of them known before" if known else "")
    others = sum(bool(statement.get("left_out")) for statement in file.statements)
    told += f"; {others} statements of accounts that are not the seller's left out" if others else ""
    return f"booked: {told}" if file.state == "booked" else f"{told}, being booked"


def _questions(tx: Tx, file: t.BankFile) -> tuple[Question, ...]:
    """The open exceptions about this file and its lines, the first of them."""
    own = (col(t.BankLine.seller) == file.seller, col(t.BankLine.file) == file.id)
    receipt = col(t.OpenException.evidence)["receipt"].as_integer()
    query = (
        select(t.OpenException)
        .where(
            t.OpenException.seller == file.seller,
            col(t.OpenException.decided_at).is_(None),
            or_(
                exists().where(*own, col(t.BankLine.receipt) == receipt),
                exists().where(*own, col(t.BankLine.key) == col(t.OpenException.key)),
                (col(t.OpenException.kind) == "bank_file") & (col(t.OpenException.key) == file.id),
            ),
        )
        .order_by(col(t.OpenException.id))
        .limit(SHOWN)
    )
    return tuple(_question(row) for row in tx.session.exec(query))


def _question(row: t.OpenException) -> Question:
    evidence, kind = row.evidence, row.kind.replace("_", " ")
    amount, currency = evidence.get("amount"), str(evidence.get("currency", ""))
    shown = show(amount, currency) if isinstance(amount, int) and currency else amount
    told = evidence["problems"][0] if "problems" in evidence else f"of {shown} {currency}"
    return Question(
        kind=row.kind,
        key=row.key,
        text=f"{kind} {told}".strip(),
        command=_command(row, evidence),
    )


def _command(row: t.OpenException, evidence: dict[str, Any]) -> str:
    if row.kind == "unmatched_receipt":
        best = next(iter(evidence.get("proposals", ())), None)
        return str(best["command"]) if best else f"duely apply {row.key} ID --by …"
    if row.kind == "bank_file":
        return f"duely bank FILE, or duely decide {row.id} --by …"
    verb = SETTLED_BY.get(row.kind, ("note",))[0].replace("_", "-")
    return f"duely {verb} {row.invoice or row.key} --by …"
