"""Writes XML from business terms and reads it back, both by one table, so that the two can never disagree.

A table is indented text, one element a line, in the order the schema wants:

    ram:IncludedNote *BG-1                       once for each row of the group BG-1, with the terms of that row
      ram:Content =BT-22                         its text is the term
      ram:SubjectCode =BT-21
    ram:ActualAmount @currencyID=BT-5 =BT-92     an attribute from a term; of the row, else of the whole document
    udt:DateTimeString @format="102" =BT-2:date  a constant attribute; a date in the table's own spelling
    cbc:PaymentID =^BT-83                        in a row, and yet a term of the whole document
    ram:TypeCode "VAT"                           a constant, written beside something and sought when reading
    ram:ApplicableHeaderTradeDelivery !          there even when empty

An element without anything but constants in it is left out. It knows no invoice: terms are texts, dates in ISO.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

Terms = dict[str, Any]
"""Texts by term (`BT-1`); a group (`BG-25`) is a list of the same."""

_UNSPOKEN = frozenset(
    "listID listName listURI listSchemeURI listVersionID listAgencyID listAgencyName languageID name schemeAgencyID "
    "schemeAgencyName schemeID schemeName schemeURI schemeDataURI schemeVersionID unitCodeListID".split()
)
"""Attributes that say no more than the term does, where a table does not name them."""
_UNSPOKEN_TAGS = frozenset({"UBLVersionID", "LineCountNumeric"})
_WORD = re.compile(r'"[^"]*"|[^ "]+(?:"[^"]*")?')
_ILLEGAL = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(slots=True)
class Node:
    """One line of a table."""

    tag: str
    term: str | None = None
    date: bool = False
    outer: bool = False
    group: str | None = None
    constant: str | None = None
    always: bool = False
    attributes: list[tuple[str, str, bool]] = field(default_factory=list)  # name, term or value, whether a constant
    children: list[Node] = field(default_factory=list)

    @property
    def fixed(self) -> bool:
        """Whether only constants are in it."""
        return self.constant is not None or (bool(self.children) and all(child.fixed for child in self.children))


@dataclass(frozen=True, slots=True)
class Table:
    root: Node
    namespaces: dict[str | None, str]
    dates: str  # how the syntax writes a date: "%Y%m%d", "%Y-%m-%d"


@dataclass(slots=True)
class Found:
    """What a document says: its terms, and the elements no line of the table knows or has room for."""

    terms: Terms
    unread: list[str]


def table(text: str, namespaces: dict[str | None, str], dates: str) -> Table:
    """The table of an indented text."""
    top = Node("")
    open_: list[tuple[int, Node]] = [(-1, top)]
    for line in filter(str.strip, text.splitlines()):
        depth, node = len(line) - len(line.lstrip()), _node(_WORD.findall(line), namespaces)
        while open_ and open_[-1][0] >= depth:
            open_.pop()
        open_[-1][1].children.append(node)
        open_.append((depth, node))
    return Table(top.children[0], namespaces, dates)


def _node(words: Sequence[str], namespaces: dict[str | None, str]) -> Node:
    prefix, colon, name = words[0].partition(":")
    node = Node(f"{{{namespaces[prefix]}}}{name}" if colon else f"{{{namespaces[None]}}}{prefix}")
    for word in words[1:]:
        kind, rest = word[0], word[1:]
        if kind == "@":
            key, _, value = rest.partition("=")
            node.attributes.append((key, value.strip('"'), value.startswith('"')))
        elif kind == "=":
            node.term, _, form = rest.removeprefix("^").partition(":")
            node.outer = rest.startswith("^")
            node.date = form == "date"
        elif kind == "*":
            node.group = rest
        elif kind == '"':
            node.constant = rest.strip('"')
        else:
            assert word == "!", word
            node.always = True
    return node


def write(by: Table, terms: Terms) -> bytes:
    """The document in UTF-8; equal terms give equal bytes. Characters XML cannot carry are left out."""
    root = etree.Element(by.root.tag, nsmap=by.namespaces)  # type: ignore[arg-type]  # the stubs know no default namespace
    for child in by.root.children:
        _write(child, root, terms, terms, by)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def _write(node: Node, parent: etree._Element, terms: Terms, document: Terms, by: Table) -> bool:
    """Whether anything was said."""
    if node.group is None:
        return _said(node, parent, terms, document, by)
    rows = terms.get(node.group, ())
    for row in rows:
        _said(node, parent, row, document, by)
    return bool(rows)


def _said(node: Node, parent: etree._Element, terms: Terms, document: Terms, by: Table) -> bool:
    if node.constant is not None:
        etree.SubElement(parent, node.tag).text = node.constant
        return False
    if node.term is not None:
        text = terms.get(node.term, document.get(node.term))
        if text is None:
            return False
        element = etree.SubElement(parent, node.tag)
        element.text = _ILLEGAL.sub("", _spelled(text, by) if node.date else text)
        for name, value, constant in node.attributes:
            said = value if constant else terms.get(value, document.get(value))
            if said is not None:
                element.set(name, _ILLEGAL.sub("", said))
        return True
    element = etree.SubElement(parent, node.tag)
    anything = node.always
    for child in node.children:
        anything |= _write(child, element, terms, document, by)
    if not anything and not node.fixed:
        parent.remove(element)
    return anything


def _spelled(iso: str, by: Table) -> str:
    return iso if "-" in by.dates else iso.replace("-", "")


def read(by: Table, root: etree._Element) -> Found:
    """The terms of a document whose root element is the table's."""
    terms: Terms = {}
    used: set[etree._Element] = set()
    for node, path in _leaves(by.root, ()):
        if node.term in {"BT-5", "BT-6"}:  # amounts are told apart by their currency, so it must be known before
            found = root.find("/".join(path))
            if found is not None and found.text:
                terms[node.term] = found.text.strip()
    for child in by.root.children:
        _read(child, root, terms, terms, used, by)
    return Found(terms, list(_unread(root, used)))


def _leaves(node: Node, path: tuple[str, ...]) -> Iterator[tuple[Node, tuple[str, ...]]]:
    for child in node.children:
        if child.group is None:
            yield child, (*path, child.tag)
            yield from _leaves(child, (*path, child.tag))


def _read(
    node: Node, parent: etree._Element, terms: Terms, document: Terms, used: set[etree._Element], by: Table
) -> None:
    for element in parent.iterchildren(node.tag):
        if not _fits(node, element):
            continue
        row: Terms = terms if node.group is None else {}
        if node.constant is not None:
            used.add(element)
        elif node.term is not None:
            _take(node, element, document if node.outer else row, document, used, by)
        for child in node.children:
            _read(child, element, row, document, used, by)
        if node.group is not None and row:
            terms.setdefault(node.group, []).append(row)


def _take(
    node: Node, element: etree._Element, terms: Terms, document: Terms, used: set[etree._Element], by: Table
) -> None:
    if element in used or node.term is None:
        return
    text = (element.text or "").strip()
    if not text:
        return
    if node.date and by.dates == "%Y%m%d" and len(text) == 8:
        text = f"{text[:4]}-{text[4:6]}-{text[6:]}"
    said = {node.term: text}
    for name, term, constant in node.attributes:
        if not constant and (value := element.get(name)) is not None:
            said[term] = value.strip()
    # said before, and otherwise: of another currency, or one too many; it stays unread
    if any(document.get(term, terms.get(term, value)) != value for term, value in said.items()):
        return
    known = {name for name, *_ in node.attributes} | _UNSPOKEN
    if all(str(name) in known or str(name).startswith("{") for name in element.attrib):
        used.add(element)
    terms.update({term: value for term, value in said.items() if term not in document})


def _fits(node: Node, element: etree._Element) -> bool:
    """Whether the constants that the table wants stand in it."""
    if node.constant is not None:
        return (element.text or "").strip() == node.constant
    if any(constant and element.get(name) != value for name, value, constant in node.attributes):
        return False
    return all(
        any(_fits(child, inner) for inner in element.iterchildren(child.tag)) for child in node.children if child.fixed
    )


def _unread(root: etree._Element, used: set[etree._Element]) -> Iterator[str]:
    for element in root.iter("*"):
        known = element in used or etree.QName(element).localname in _UNSPOKEN_TAGS
        if len(element) == 0 and (element.text or "").strip() and not known:
            chain = [element, *element.iterancestors()]
            yield "/".join(etree.QName(each).localname for each in reversed(chain[:-1]))
