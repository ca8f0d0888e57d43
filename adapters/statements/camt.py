"""Reads camt.053 (ISO 20022 BankToCustomerStatement), any version. Streams: what is read is thrown away, so memory
grows with the lines found and not with the XML. Follows no entity, no DTD and no network; a DOCTYPE is refused.

Checks what it needs, not the whole schema; other camt messages are refused with what to send instead."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import BinaryIO, cast

from lxml import etree

from adapters.formats import clean
from adapters.statements import limits
from adapters.statements.camt_entry import Head, counted, day, entry, head, money, needed, sign, text, transaction
from domain.errors import Invalid
from domain.statements import Entry, Line, Statement, iban

_CHUNK, _PROLOG = 64 * 1024, 4096
_MOST_UNREAD = 4 * 1024 * 1024
"""Bytes between two things worth reading. A transaction has a few KiB; a desert would be kept in memory."""
_DOCTYPE = re.compile(rb"(?:[^<]|<\?|<!--)*<!DOCTYPE")
_NO_DOCTYPE = "has a DOCTYPE, which no bank writes; nothing of it is read"
_VERSION = re.compile(r"camt\.\d{3}\.\d{3}\.\d{2}")
_OTHERS = {
    "BkToCstmrAcctRpt": "a camt.052 (movements of a day that is not over, nothing final)",
    "BkToCstmrDbtCdtNtfctn": "a camt.054 (details of single entries, without balances)",
    "CstmrPmtStsRpt": "a pain.002 (status of payments)",
    "CstmrCdtTrfInitn": "a pain.001 (payments to be made)",
    "CstmrDrctDbtInitn": "a pain.008 (debits to be made)",
}
_CONTAINER = "BkToCstmrStmt"
_TAGS = [f"{{*}}{name}" for name in ("Document", _CONTAINER, *_OTHERS, "Stmt", "Ntry", "TxDtls")]
_OPENING, _CLOSING, _INTERIM = ("OPBD", "PRCD"), ("CLBD",), "ITBD"


def read(handle: BinaryIO) -> list[tuple[Statement, Sequence[Entry]]]:
    """Every statement with its booked entries, without keys. Raises `Invalid` with a path such as
    `Stmt[1]/Ntry[3]/Amt`."""
    parser = etree.XMLPullParser(
        events=("start", "end"), tag=_TAGS, resolve_entities=False, no_network=True, load_dtd=False,
        dtd_validation=False, huge_tree=False, remove_comments=True, remove_pis=True,
    )  # fmt: skip
    reader = _Reader()
    try:
        while chunk := handle.read(_CHUNK):
            # seen before the parser sees it, which would begin with its declarations; what hides is found by `take`
            if not reader.started and _DOCTYPE.match(chunk[:_PROLOG]):
                raise Invalid.at("file", _NO_DOCTYPE)
            _feed(parser, chunk, reader)
        parser.close()
    except etree.XMLSyntaxError as error:
        raise Invalid.at(
            reader.path,
            f"is no well-formed XML from line {error.lineno or 1} on: cut off, damaged, or not in the encoding that "
            "its first line says; fetch it from the bank again",
        ) from None
    if not reader.statements:
        raise Invalid.at("file", "has no statement (BkToCstmrStmt/Stmt); send a camt.053")
    return reader.statements


def _feed(parser: etree.XMLPullParser, chunk: bytes, reader: _Reader) -> None:
    """What came before a fault is read even so: it may say better what is wrong."""
    try:
        parser.feed(chunk)
    finally:
        for event, element in parser.read_events():
            reader.take(event, cast(etree._Element, element))
    reader.unread += len(chunk)
    if reader.unread > _MOST_UNREAD:
        raise Invalid.at(reader.path, f"{_MOST_UNREAD // 1024 // 1024} MiB without one entry; not a statement")


@dataclass(slots=True)
class _Open:
    """The statement being read."""

    path: str
    statement: Statement
    entries: list[Entry] = field(default_factory=list)
    seen: int = 0
    pending: int = 0
    head: Head | None = None
    headed: bool = False
    parts: list[Line] = field(default_factory=list)
    count: int = 0


@dataclass(slots=True)
class _Reader:
    statements: list[tuple[Statement, Sequence[Entry]]] = field(default_factory=list)
    unread: int = 0
    format: str = ""
    started: bool = False
    open: _Open | None = None

    @property
    def path(self) -> str:
        if self.open is None:
            return f"Stmt[{len(self.statements) + 1}]" if self.format else "file"
        return f"{self.open.path}/Ntry[{self.open.seen + 1}]"

    def take(self, event: str, element: etree._Element) -> None:
        """One start or end of an element that matters, in the order of the file."""
        name = _local(element)
        if not self.started:
            self.started = True
            if element.getroottree().docinfo.internalDTD is not None:
                raise Invalid.at("file", _NO_DOCTYPE)
        if event == "start":
            self._starts(name, element)
        elif name == "TxDtls" and _inside(element, "NtryDtls", "Ntry", "Stmt", _CONTAINER):
            self._transaction(element)
        elif name == "Ntry" and _inside(element, "Stmt", _CONTAINER):
            self._entry(element)
        elif name == "Stmt" and _inside(element, _CONTAINER):
            self._statement(element)

    def _starts(self, name: str, element: etree._Element) -> None:
        if name in _OTHERS:
            raise Invalid.at("file", f"is {_OTHERS[name]}; send the statement of a closed day, a camt.053")
        if name == _CONTAINER:
            found = _VERSION.search(str(element.tag))
            self.format = found[0] if found else "camt.053"

    def _opened(self, statement: etree._Element) -> _Open:
        if self.open is None:
            path = f"Stmt[{len(self.statements) + 1}]"
            self.open = _Open(path, _header(statement, path, self.format))
        return self.open

    def _transaction(self, details: etree._Element) -> None:
        group = _parent(details)
        top = _parent(group)
        self._headed(top)
        current = self._opened(_parent(top))
        current.count += counted(top)  # told before its transactions, and forgotten with the first of them
        if current.head is not None:
            path = f"{self.path}/NtryDtls/TxDtls[{len(current.parts) + 1}]"
            current.parts.append(transaction(details, current.head, path))
        self._forget(details)
        self._forget_before(group)

    def _headed(self, top: etree._Element) -> None:
        """Reads the entry's own fields once: they stand before its transactions."""
        current = self._opened(_parent(top))
        if not current.headed:
            current.head = head(top, self.path, current.statement.account)
            current.headed = True

    def _entry(self, top: etree._Element) -> None:
        self._headed(top)
        current = self._opened(_parent(top))
        if current.head is None:
            current.pending += 1
        else:
            count = current.count + counted(top)
            current.entries.append(entry(current.head, current.parts, text(top, "AddtlNtryInf"), count))
        current.seen += 1
        current.head, current.headed, current.parts, current.count = None, False, [], 0
        self._forget(top)

    def _statement(self, statement: etree._Element) -> None:
        done = self._opened(statement)
        self.statements.append((replace(done.statement, pending=done.pending), done.entries))
        self.open = None
        self._forget(statement)

    def _forget(self, element: etree._Element) -> None:
        self._forget_before(element)
        element.clear()
        self.unread = 0

    @staticmethod
    def _forget_before(element: etree._Element) -> None:
        parent = _parent(element)
        while (before := element.getprevious()) is not None:
            parent.remove(before)


def _header(statement: etree._Element, path: str, version: str) -> Statement:
    account = iban(text(statement, "Acct", "Id", "IBAN")) or clean(text(statement, "Acct", "Id", "Othr", "Id"))[:40]
    if not account:
        raise Invalid.at(f"{path}/Acct/Id", "is neither an IBAN nor another account number; ask for a complete file")
    opening, currency, opened_on = _balance(statement, path, _OPENING, 0)
    closing, closing_currency, closed_on = _balance(statement, path, _CLOSING, -1)
    stated = text(statement, "Acct", "Ccy")
    if len({currency, closing_currency, stated or currency}) > 1:
        raise Invalid.at(f"{path}/Bal", "is not in the account's currency; ask for one statement per currency")
    created = text(statement, "CreDtTm")
    return Statement(
        account=account,
        currency=currency,
        id=clean(needed(statement, path, "Id"))[:70],
        number=clean(text(statement, "ElctrncSeqNb") or text(statement, "LglSeqNb"))[:70],
        opening=opening,
        closing=closing,
        opened_on=opened_on,
        closed_on=closed_on,
        created_at=limits.instant(created, f"{path}/CreDtTm") if created else limits.end_of(closed_on),
        format=version,
    )


def _balance(statement: etree._Element, path: str, codes: tuple[str, ...], take: int) -> tuple[int, str, date]:
    """(signed minor units, currency, day) of the first opening or last closing balance booked; of a page in the
    middle the interim balances (ITBD) stand for them."""
    coded = [(text(b, "Tp", "CdOrPrtry", "Cd"), b) for b in statement.iterchildren("{*}Bal")]
    found = next((bs for code in codes if (bs := [b for c, b in coded if c == code])), None)
    found = found or [b for c, b in coded if c == _INTERIM]
    if not found:
        which = "opening balance (OPBD or PRCD)" if take == 0 else "closing balance (CLBD)"
        raise Invalid.at(f"{path}/Bal", f"the {which} is missing; ask the bank for a complete camt.053")
    minor, currency = money(found[take], f"{path}/Bal", "Amt")
    on = day(found[take], f"{path}/Bal", "Dt")
    if on is None:
        raise Invalid.at(f"{path}/Bal/Dt", "is missing; ask the bank for a complete camt.053")
    return sign(found[take], f"{path}/Bal") * minor, currency, on


def _local(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _parent(element: etree._Element) -> etree._Element:
    parent = element.getparent()
    assert parent is not None
    return parent


def _inside(element: etree._Element, *names: str) -> bool:
    """Whether its ancestors are these, the nearest first."""
    parent: etree._Element | None = element.getparent()
    for name in names:
        if parent is None or _local(parent) != name:
            return False
        parent = parent.getparent()
    return True
