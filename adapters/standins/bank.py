"""A bank's files of a statement: camt.053 of any version, MT940, CSV. For the demo and the tests; deterministic.

Writes what the statement says, also when it does not add up. Lines of one `batch` become one entry, told apart in
camt and as one sum in MT940; keys are not written, they are found again by reading. What a format cannot say (a
structured reference and charges in CSV or MT940, names of more than 54 characters) is not in it."""

from __future__ import annotations

import csv as tables
import io
from collections.abc import Iterator
from itertools import groupby
from xml.sax.saxutils import escape

from domain import money
from domain.statements import Line, Statement

_NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053"
_PARTY_HAS_CHOICE = 8  # from .001.08 on: Dbtr/Pty/Nm and Sts/Cd
_AMOUNT_OF_ITS_OWN = 4  # from .001.04 on: TxDtls/Amt and TxDtls/CdtDbtInd, charges in records
_HEADER = ("booked_on", "amount", "currency", "name", "iban", "text", "reference", "end_to_end", "bank_reference")


def camt053(statement: Statement, version: str = "001.08") -> bytes:
    """UTF-8. Balances are needed; `pending` entries are written as such, of one unit each."""
    release = int(version.partition(".")[2])
    assert statement.opening is not None
    assert statement.closing is not None
    created = statement.created_at.isoformat()
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>\n',
        f'<Document xmlns="{_NAMESPACE}.{version}"><BkToCstmrStmt>',
        f"<GrpHdr>{_tag('MsgId', statement.id)}{_tag('CreDtTm', created)}</GrpHdr>",
        f"<Stmt>{_tag('Id', statement.id)}{_tag('ElctrncSeqNb', statement.number)}{_tag('CreDtTm', created)}",
        f"<Acct>{_account(statement.account)}{_tag('Ccy', statement.currency)}</Acct>",
        _balance("OPBD", statement.opening, statement.currency, statement.opened_on.isoformat()),
        _balance("CLBD", statement.closing, statement.currency, statement.closed_on.isoformat()),
        *(_entry(lines, release) for lines in _entries(statement)),
        *(_pending(statement, release) for _ in range(statement.pending)),
        "</Stmt></BkToCstmrStmt></Document>\n",
    ]
    return "".join(parts).encode()


def mt940(statement: Statement) -> bytes:
    """One message with field 86 as the Deutsche Kreditwirtschaft structures it, lines ended by CR LF, in UTF-8."""
    assert statement.opening is not None
    assert statement.closing is not None
    lines = [f":20:{statement.id[:16]}", f":25:{statement.account}", f":28C:{statement.number or '0'}"]
    lines.append(f":60F:{_swift_balance(statement.opening, statement.currency, f'{statement.opened_on:%y%m%d}')}")
    for group in _entries(statement):
        lines += _movement(group)
    lines.append(f":62F:{_swift_balance(statement.closing, statement.currency, f'{statement.closed_on:%y%m%d}')}")
    return "".join(f"{line}\r\n" for line in [*lines, "-"]).encode()


def csv(statement: Statement) -> bytes:
    """The simple header of `ColumnMap`. A cell that a spreadsheet would compute is guarded by an apostrophe."""
    out = io.StringIO()
    writer = tables.writer(out)
    writer.writerow(_HEADER)
    for line in statement.lines:
        shown = money.show(line.amount, line.currency)
        said = (line.name, line.iban, line.text, line.reference, line.end_to_end, line.bank_reference)
        writer.writerow([line.booked_on.isoformat(), shown, line.currency, *map(_guarded, said)])
    return out.getvalue().encode()


def _entries(statement: Statement) -> Iterator[list[Line]]:
    for batch, group in groupby(statement.lines, key=lambda line: line.batch):
        lines = list(group)
        yield from [lines] if batch else ([line] for line in lines)


def _entry(lines: list[Line], release: int) -> str:
    first, total = lines[0], sum(line.amount for line in lines)
    value_on = f"<ValDt>{_tag('Dt', first.value_on.isoformat())}</ValDt>" if first.value_on else ""
    batch = f"<Btch>{_tag('NbOfTxs', str(len(lines)))}</Btch>" if len(lines) > 1 else ""
    return "".join(
        (
            f"<Ntry>{_amount('Amt', abs(total), first.currency)}{_direction(total)}",
            _tag("RvslInd", "true" if first.reversal else ""),
            f"<Sts>{_tag('Cd', 'BOOK') if release >= _PARTY_HAS_CHOICE else 'BOOK'}</Sts>",
            f"<BookgDt>{_tag('Dt', first.booked_on.isoformat())}</BookgDt>{value_on}",
            _tag("AcctSvcrRef", first.bank_reference),
            f"<NtryDtls>{batch}{''.join(_transaction(line, release) for line in lines)}</NtryDtls></Ntry>",
        )
    )


def _pending(statement: Statement, release: int) -> str:
    status = _tag("Cd", "PDNG") if release >= _PARTY_HAS_CHOICE else "PDNG"
    return f"<Ntry>{_amount('Amt', 1, statement.currency)}<CdtDbtInd>CRDT</CdtDbtInd><Sts>{status}</Sts></Ntry>"


def _transaction(line: Line, release: int) -> str:
    own = release >= _AMOUNT_OF_ITS_OWN
    amount = _amount("Amt", abs(line.amount), line.currency)
    references = _tag("AcctSvcrRef", line.bank_reference) + _tag("EndToEndId", line.end_to_end or "NOTPROVIDED")
    reason = f"<RtrInf><Rsn>{_tag('Cd', line.return_code)}</Rsn></RtrInf>" if line.return_code else ""
    return "".join(
        (
            f"<TxDtls><Refs>{references}</Refs>",
            amount + _direction(line.amount) if own else f"<AmtDtls><TxAmt>{amount}</TxAmt></AmtDtls>",
            _charges(line, own),
            _party(line, release),
            _remittance(line),
            f"{reason}</TxDtls>",
        )
    )


def _charges(line: Line, own: bool) -> str:
    if not line.charges:
        return ""
    record = f"{_amount('Amt', line.charges, line.currency)}<CdtDbtInd>DBIT</CdtDbtInd>"
    return f"<Chrgs><Rcrd>{record}<ChrgInclInd>true</ChrgInclInd></Rcrd></Chrgs>" if own else f"<Chrgs>{record}</Chrgs>"


def _party(line: Line, release: int) -> str:
    """A returned item names the parties of the original payment: the customer paid, also when it was a debit."""
    role = "Dbtr" if (line.amount >= 0) != bool(line.return_code) else "Cdtr"
    name = _tag("Nm", line.name)
    if name and release >= _PARTY_HAS_CHOICE:
        name = f"<Pty>{name}</Pty>"
    party = f"<{role}>{name}</{role}>" if name else ""
    account = f"<{role}Acct>{_account(line.iban)}</{role}Acct>" if line.iban else ""
    return f"<RltdPties>{party}{account}</RltdPties>" if party or account else ""


def _remittance(line: Line) -> str:
    free = "".join(_tag("Ustrd", line.text[at : at + 140]) for at in range(0, len(line.text), 140))
    reference = f"<Strd><CdtrRefInf>{_tag('Ref', line.reference)}</CdtrRefInf></Strd>" if line.reference else ""
    return f"<RmtInf>{free}{reference}</RmtInf>" if free or reference else ""


def _balance(code: str, minor: int, currency: str, on: str) -> str:
    kind = f"<Tp><CdOrPrtry>{_tag('Cd', code)}</CdOrPrtry></Tp>"
    return f"<Bal>{kind}{_amount('Amt', abs(minor), currency)}{_direction(minor)}<Dt>{_tag('Dt', on)}</Dt></Bal>"


def _account(number: str) -> str:
    return f"<Id>{_tag('IBAN', number)}</Id>"


def _direction(minor: int) -> str:
    return _tag("CdtDbtInd", "CRDT" if minor >= 0 else "DBIT")


def _amount(name: str, minor: int, currency: str) -> str:
    return f'<{name} Ccy="{currency}">{money.show(minor, currency)}</{name}>'


def _tag(name: str, text: str) -> str:
    return f"<{name}>{escape(text)}</{name}>" if text else ""


def _movement(lines: list[Line]) -> list[str]:
    first, total = lines[0], sum(line.amount for line in lines)
    day = first.value_on or first.booked_on
    mark = ("RD" if total >= 0 else "RC") if first.reversal else ("C" if total >= 0 else "D")
    amount = _swift_amount(abs(total), first.currency)
    bank = f"//{first.bank_reference}" if first.bank_reference else ""
    kind = "NRTI" if first.return_code else "NTRF"
    told = [f":61:{day:%y%m%d}{first.booked_on:%m%d}{mark}{amount}{kind}NONREF{bank}"]
    field = f":86:{_details(lines)}"
    return told + [field[at : at + 65] for at in range(0, len(field), 65)]


def _details(lines: list[Line]) -> str:
    if len(lines) > 1:
        return f"{'191' if lines[0].amount < 0 else '194'}?00SAMMLER"
    [line] = lines
    code = ("109" if line.amount < 0 else "159") if line.return_code else "166" if line.amount >= 0 else "116"
    text = " ".join(filter(None, (line.reference, line.text, line.return_code)))
    purpose = [*_cut(f"EREF+{line.end_to_end}" if line.end_to_end else ""), *_cut(f"SVWZ+{text}" if text else "")]
    keys = [*range(20, 30), *range(60, 64)]
    segments = [f"?{key}{part}" for key, part in zip(keys, purpose, strict=False)]
    names = [f"?{key}{part}" for key, part in zip((32, 33), _cut(line.name), strict=False)]
    account = [f"?31{line.iban}"] if line.iban else []
    return f"{code}?00UEBERWEISUNG" + "".join([*segments, *account, *names])


def _cut(text: str) -> list[str]:
    plain = text.replace("?", ".")
    return [plain[at : at + 27] for at in range(0, len(plain), 27)]


def _swift_balance(minor: int, currency: str, day: str) -> str:
    return f"{'C' if minor >= 0 else 'D'}{day}{currency}{_swift_amount(abs(minor), currency)}"


def _swift_amount(minor: int, currency: str) -> str:
    shown = money.show(minor, currency).replace(".", ",")
    return shown if "," in shown else f"{shown},"


def _guarded(text: str) -> str:
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "'")) else text
