"""One booked entry (Ntry) of a camt.053 and its transactions (TxDtls), of any version from .001.02 on.

Where the versions differ, all spellings are read: `Sts` or `Sts/Cd`, `Dbtr/Nm` or `Dbtr/Pty/Nm`, a transaction's
amount in `Amt` or `AmtDtls/TxAmt/Amt`, charges as a flat `Chrgs` or in `Chrgs/Rcrd`. Elements are found by local name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from lxml import etree

from adapters.statements import limits
from adapters.statements.limits import UNSPECIFIED
from domain.errors import Invalid
from domain.statements import NO_CURRENCY, Entry, Line, iban

_RETURNS = {"RRTN", "RPCR", "UPDD", "RCDD", "PRDD", "UPCQ"}
"""Sub-families of ISO 20022's bank transaction codes: a transfer returned or recalled, a direct debit unpaid, recalled
or reversed, a cheque unpaid."""
_GERMAN_RETURNS = ("NRTI+108", "NRTI+109", "NRTI+159", "NRTI+181", "NRTI+184")  # DK's codes for the same
_LONGEST_CODE = 4
_FULL = 140  # Max140Text: how much one Ustrd takes
_COUNT = re.compile(r"[0-9]{1,15}")  # Max15NumericText


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What an entry says before its transactions. `charges` and `returned` stand for what they do not say."""

    path: str
    account: str
    booked_on: date
    value_on: date | None
    amount: int
    currency: str
    bank_reference: str
    reversal: bool
    returned: bool
    charges: int


def find(element: etree._Element, *path: str) -> etree._Element | None:
    """The first descendant by local names, in any namespace."""
    found: etree._Element | None = element
    for step in path:
        if found is None:
            return None
        found = next(iter(found.iterchildren("{*}" + step)), None)
    return found


def every(element: etree._Element, *path: str) -> Iterator[etree._Element]:
    parent = find(element, *path[:-1])
    return iter(()) if parent is None else iter(parent.iterchildren("{*}" + path[-1]))


def text(element: etree._Element, *path: str) -> str:
    """The trimmed text of a descendant, "" when there is none."""
    found = find(element, *path)
    return "" if found is None or found.text is None else str(found.text).strip()


def needed(element: etree._Element, path: str, *steps: str) -> str:
    found = text(element, *steps)
    if not found:
        raise Invalid.at(f"{path}/{'/'.join(steps)}", "is missing; ask the bank for a complete camt.053")
    return found


def money(element: etree._Element, path: str, *steps: str) -> tuple[int, str]:
    """(minor units ≥ 0, currency) of an amount element."""
    found, path = find(element, *steps), f"{path}/{'/'.join(steps)}"
    if found is None or not found.text:
        raise Invalid.at(path, "is missing; ask the bank for a complete camt.053")
    currency = str(found.get("Ccy") or "")
    minor = limits.amount(str(found.text), limits.known_currency(currency, f"{path}/@Ccy"), path)
    if minor < 0:
        raise Invalid.at(path, "is negative; CdtDbtInd alone says the direction")
    return minor, currency


def sign(element: etree._Element, path: str) -> int:
    """1 for a credit, -1 for a debit. A reversal has the direction in which the money moves now."""
    indicator = needed(element, path, "CdtDbtInd")
    if indicator not in {"CRDT", "DBIT"}:
        raise Invalid.at(f"{path}/CdtDbtInd", "must be CRDT or DBIT")
    return 1 if indicator == "CRDT" else -1


def day(element: etree._Element, path: str, step: str) -> date | None:
    for choice in ("Dt", "DtTm"):
        if found := text(element, step, choice):
            return limits.day(found, f"{path}/{step}/{choice}")
    return None


def head(entry: etree._Element, path: str, account: str) -> Head | None:
    """None for an entry that is not booked yet."""
    status = text(entry, "Sts", "Cd") or text(entry, "Sts", "Prtry") or needed(entry, path, "Sts")
    if status != "BOOK":
        return None
    minor, currency = money(entry, path, "Amt")
    direction = sign(entry, path)
    value_on = day(entry, path, "ValDt")
    booked_on = day(entry, path, "BookgDt") or value_on
    if booked_on is None:
        raise Invalid.at(f"{path}/BookgDt", "is missing; ask the bank for a complete camt.053")
    return Head(
        path=path,
        account=account,
        booked_on=booked_on,
        value_on=value_on,
        amount=direction * minor,
        currency=currency,
        bank_reference=limits.reference(text(entry, "AcctSvcrRef")),
        reversal=text(entry, "RvslInd") in {"true", "1"},
        returned=_returned(entry),
        charges=_charges(entry, currency, minor, path, _returned(entry)),
    )


def transaction(details: etree._Element, of: Head, path: str) -> Line:
    """One transaction of the entry. Its currency is NO_CURRENCY when the file does not tell its amount."""
    amount, currency = _amount(details, of, path)
    returned = of.returned or _returned(details) or find(details, "RtrInf") is not None
    name, account = _counterparty(details, of, returned)
    reference, said = _remittance(details)
    return Line(
        key="",
        booked_on=of.booked_on,
        value_on=of.value_on,
        amount=amount,
        currency=currency,
        name=name,
        iban=account,
        text=limits.text(said) or limits.text(text(details, "AddtlTxInf")),
        reference=reference,
        end_to_end=limits.reference(text(details, "Refs", "EndToEndId")),
        bank_reference=limits.reference(text(details, "Refs", "AcctSvcrRef")) or of.bank_reference,
        return_code=_reason(details) if returned else "",
        reversal=of.reversal,
        charges=_charges(details, of.currency, abs(amount), path, returned),
    )


def counted(entry: etree._Element) -> int:
    """How many transactions its batches say they have; 0 when none does."""
    said = (text(group, "Btch", "NbOfTxs") for group in every(entry, "NtryDtls"))
    return sum(int(number) for number in said if _COUNT.fullmatch(number))


def entry(of: Head, parts: list[Line], additional: str, count: int) -> Entry:
    """`additional` (AddtlNtryInf) is the text where nothing better is said: some banks put all they know there."""
    only = parts[0] if len(parts) == 1 else None
    whole = Line(
        key="",
        booked_on=of.booked_on,
        value_on=of.value_on,
        amount=of.amount,
        currency=of.currency,
        name=only.name if only else "",
        iban=only.iban if only else "",
        text=(only.text if only else "") or limits.text(additional),
        reference=only.reference if only else "",
        end_to_end=only.end_to_end if only else "",
        bank_reference=of.bank_reference or (only.bank_reference if only else ""),
        return_code=only.return_code if only else UNSPECIFIED if of.returned else "",
        reversal=of.reversal,
        charges=(only.charges if only else 0) or of.charges,
    )
    return Entry(whole=whole, parts=() if only else tuple(parts), count=count)


def _amount(details: etree._Element, of: Head, path: str) -> tuple[int, str]:
    direction = sign(details, path) if find(details, "CdtDbtInd") is not None else (1 if of.amount >= 0 else -1)
    for steps in (("Amt",), ("AmtDtls", "TxAmt", "Amt"), ("AmtDtls", "CntrValAmt", "Amt")):
        if find(details, *steps) is not None:
            minor, currency = money(details, path, *steps)
            if currency == of.currency:
                return direction * minor, currency
    return 0, NO_CURRENCY


def _counterparty(details: etree._Element, of: Head, returned: bool) -> tuple[str, str]:
    """(name, IBAN) of the other side. A returned item names the parties of the original payment, so there the sides
    are looked at the other way round; a side with our own account is never the other one."""
    sides = ["Dbtr", "Cdtr"] if (of.amount >= 0) != returned else ["Cdtr", "Dbtr"]
    for side in sides:
        account = iban(text(details, "RltdPties", f"{side}Acct", "Id", "IBAN"))
        name = _party(details, side) or _party(details, f"Ultmt{side}")
        if (name or account) and not (account and account == of.account):
            return limits.name(name), account
    return "", ""


def _party(details: etree._Element, role: str) -> str:
    return (
        text(details, "RltdPties", role, "Nm")
        or text(details, "RltdPties", role, "Pty", "Nm")
        or text(details, "RltdPties", role, "Agt", "FinInstnId", "Nm")
    )


def _remittance(details: etree._Element) -> tuple[str, str]:
    """(structured creditor reference, everything else in words): free text, further references, document numbers. A
    piece of free text of full length goes on in the next; a shorter one is a line."""
    pieces = [str(found.text or "") for found in every(details, "RmtInf", "Ustrd")]
    said = ["".join(piece if len(piece) >= _FULL else f"{piece}\n" for piece in pieces).rstrip()]
    reference = ""
    for block in every(details, "RmtInf", "Strd"):
        own = limits.reference(text(block, "CdtrRefInf", "Ref"))
        if own and not reference:
            reference = own
        elif own:
            said.append(own)
        said += [text(document, "Nb") for document in every(block, "RfrdDocInf")]
        said += [str(found.text or "") for found in every(block, "AddtlRmtInf")]
    return reference, " ".join(said)


def _returned(element: etree._Element) -> bool:
    code = find(element, "BkTxCd")
    if code is None:
        return False
    family = text(code, "Domn", "Fmly", "SubFmlyCd")
    return family in _RETURNS or text(code, "Prtry", "Cd").startswith(_GERMAN_RETURNS)


def _reason(details: etree._Element) -> str:
    code = text(details, "RtrInf", "Rsn", "Cd") or text(details, "RtrInf", "Rsn", "Prtry")
    plain = code.upper()
    return plain if len(plain) == _LONGEST_CODE and plain.isascii() and plain.isalnum() else UNSPECIFIED


def _charges(element: etree._Element, currency: str, moved: int, path: str, returned: bool) -> int:
    """What was withheld, in the account's currency. Not what was booked apart: charges said to be not included, or
    not said to be, when the amount instructed moved in full, or when the payer bears them (DEBT). Charges in other
    currencies are not counted. Of a return that tells none, what moved beyond the amount instructed."""
    total = 0
    for charge in element.iterchildren("{*}Chrgs"):
        records = list(charge.iterchildren("{*}Rcrd")) or [charge]
        for record in records:
            step = "Amt" if find(record, "Amt") is not None else "TtlChrgsAndTaxAmt"
            included = text(record, "ChrgInclInd")
            if find(record, step) is None or included in {"false", "0"}:
                continue
            minor, code = money(record, f"{path}/Chrgs", step)
            apart = text(record, "Br") == "DEBT" or _instructed(element, currency, path) == moved
            if code == currency and (included or not apart):
                total += -minor if text(record, "CdtDbtInd") == "CRDT" else minor
    if total <= 0 and returned:
        return max(0, moved - (_instructed(element, currency, path) or moved))
    return max(0, total)


def _instructed(element: etree._Element, currency: str, path: str) -> int | None:
    """None where it is not told, or in another currency than the account's."""
    steps = ("AmtDtls", "InstdAmt", "Amt")
    minor, code = money(element, path, *steps) if find(element, *steps) is not None else (None, "")
    return minor if code == currency else None
