"""What a customer, or whoever writes for one, can put into a text: markup, formulas and code of every kind, through
every field at once, out again in mail, page, paper, data and details. There it stands as it was written, and does
nothing."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from pypdf import PdfReader

from adapters.books.books import Books
from domain import lifecycle, links
from domain.details import details
from domain.errors import Invalid
from schemas.commands import EXAMPLES, parse_command
from schemas.request import parse_request
from tests.adapters.test_letters import delivered
from tests.conftest import SEEDED_AT
from tests.security.conftest import Front
from tests.story import Story

HTML = "<script>alert(1)</script><img src=x onerror=alert(2)>"
LINK = "[pay here](http://evil.example/pay) http://evil.example"
CODE = '{{7*191}} {% print 7*191 %} ${7*191} #{7*191} #(7*191) #sys.version #read("/etc/passwd") $7*191$'
FORMULA = '=HYPERLINK("http://evil.example")'
COMPUTED = "1337"
"""7 * 191: stands nowhere unless somebody computed it."""


def evil(field: str) -> str:
    return f"{field} {HTML} {CODE}"


def request() -> dict[str, Any]:
    """Every text that a request takes, with something in it."""
    text = {name: evil(name)[:200] for name in ("buyer_reference", "purchase_order", "contract", "project",
                                                "sales_order", "cost_center")}  # fmt: skip
    line = {"description": evil("LINE"), "item": evil("ITEM")[:200], "quantity": "1", "unit_price": "1000.00",
            "tax": {"category": "S", "rate": "19"}, "cost_center": evil("CC")[:200], "order_line": "OL " + LINK,
            "allowances": [{"amount": "1.00", "reason": evil("ALLOWANCE")}]}  # fmt: skip
    customer = {
        "name": evil("NAME")[:200], "email": "ap@evil.example", "country": "DE", "language": "en",
        "timezone": "Europe/Berlin", "vat_id": "DE136695976", "registration": evil("REG")[:200],
        "address": {"street": evil("STREET")[:200], "street2": LINK, "postcode": "10115 <b>",
                    "city": evil("CITY")[:200], "region": FORMULA},
        "contacts": [{"role": "billing", "name": evil("CONTACT")[:200], "email": "billing@evil.example"}],
    }  # fmt: skip
    return {
        "customer": customer, "lines": [line], "notes": evil("NOTES"), **text,
        "charges": [{"amount": "2.00", "reason": evil("CHARGE"), "tax": {"category": "S", "rate": "19"}}],
        "metadata": {"<script>": HTML}, "delivery": {"address": {"city": evil("PLACE")[:200], "country": "DE"}},
    }  # fmt: skip


class Tags(HTMLParser):
    def __init__(self, page: str):
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action")]

    def handle_data(self, data: str) -> None:
        self.text += data


def harmless(page: str, *fields: str) -> None:
    """Nothing runs, nothing leads away, nothing was computed; and what was written stands there."""
    seen = Tags(page)
    assert not seen.tags & {"script", "img", "iframe", "object", "svg", "base"}
    assert not {name for name in seen.attributes if name.startswith("on")}
    assert not [link for link in seen.links if "evil" in link]
    assert COMPUTED not in seen.text
    for field in fields:
        assert f"{field} {HTML}" in re.sub(r"\s+", " ", seen.text), field


@pytest.fixture
def told(front: Front, tmp_path: Path) -> tuple[Story, list[EmailMessage], bytes]:
    """An invoice full of it, with the mails that left, and the paper."""
    story = Story(front.engine, "demo", "EVIL-1")
    story.now = max(story.now, SEEDED_AT)
    body = request()
    story.start(body.pop("customer"), "1.00", **body)
    message = delivered(story, tmp_path)
    mails = [BytesParser(policy=default).parsebytes(each.read_bytes()) for each in (tmp_path / "outbox").glob("*.eml")]
    return story, mails, message.attachments[0].data


async def test_mail_page_paper_data_and_details(
    front: Front, told: tuple[Story, list[EmailMessage], bytes], tmp_path: Path
) -> None:
    story, mails, pdf = told
    assert {mail["X-Duely-Kind"] for mail in mails} == {"approval", "invoice"}
    for mail in mails:
        headers(mail)
        plain, rich = (mail.get_body((kind,)) for kind in ("plain", "html"))
        assert plain is not None
        assert rich is not None
        harmless(rich.get_content())
        assert COMPUTED not in plain.get_content()
        assert HTML.split(">", maxsplit=1)[0] in plain.get_content()
    page = await front.ask("GET", f"/i/{front.token(links.CUSTOMER, story.id)}")
    harmless(page.text, "LINE", "NAME")
    paper(pdf)
    markdown(story)


def headers(mail: EmailMessage) -> None:
    known = {"from", "to", "reply-to", "subject", "date", "message-id", "mime-version", "content-type",
             "content-language", "auto-submitted", "in-reply-to", "references", "list-unsubscribe"}  # fmt: skip
    extra = {name.lower() for name in mail} - known
    assert not [name for name in extra if not name.startswith("x-duely-") and name != "x-auto-response-suppress"], extra
    wanted = {"invoice": "billing@evil.example", "approval": "ana@demo.example"}
    assert [each.addr_spec for each in mail["To"].addresses] == [wanted[mail["X-Duely-Kind"]]]
    assert "\n" not in mail["Subject"]
    for part in mail.walk():
        assert not re.search(r"[/\\<>]", part.get_filename() or "")


def paper(pdf: bytes) -> None:
    """Typst computes nothing of it, the data inside says the same, nothing in the file acts."""
    read = PdfReader(io.BytesIO(pdf))
    text = re.sub(r"\s+", "", "".join(page.extract_text() for page in read.pages))
    for field in ("NAME", "STREET", "LINE", "NOTES"):
        assert f"{field}{HTML}".replace(" ", "") in text, field
    assert re.sub(r"\s+", "", CODE) in text
    assert COMPUTED not in text
    assert "root:" not in text
    for action in (b"/JavaScript", b"/JS", b"/Launch", b"/SubmitForm", b"evil.example)"):
        assert action not in pdf
    (data,) = next(iter(read.attachments.values()))
    tree = etree.fromstring(data, etree.XMLParser(resolve_entities=False))
    said = " ".join(map(str, tree.itertext()))
    assert f"LINE {HTML}" in said
    assert {etree.QName(each).localname for each in tree.iter() if isinstance(each.tag, str)}.isdisjoint(
        {"script", "img"}
    )


def markdown(story: Story) -> None:
    """The details that the Web UI renders, with a dispute and a refused Signal in a stranger's words."""
    story.command("dispute", evil("BY")[:200], reason=f"REASON {HTML} {LINK} **bold** `x`", code="other")
    outcome = Books(story.books.engine, idempotent=True).outcome(story.id)
    assert outcome.account is not None
    assert outcome.policy is not None
    action = lifecycle.next_action(outcome.account, outcome.policy, story.now)
    shown = details(
        outcome.account, outcome.policy, action, story.now, story.id, (), EXAMPLES, [f"note: {HTML} {LINK}"]
    )
    prose = re.sub(r"```json.*?```", "", shown, flags=re.DOTALL)
    assert "REASON" in prose
    for alive in ("<", "](", "**bold", "`x`", "http://"):
        assert not re.search(rf"(?<!\\){re.escape(alive)}", prose), alive
    assert COMPUTED not in prose


def texts_of(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from texts_of(each, (*path, name))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from texts_of(each, (*path, number))
    elif isinstance(value, str):
        yield path


def put(body: Any, path: tuple[Any, ...], value: str) -> Any:
    if not path:
        return value
    copy = dict(body) if isinstance(body, dict) else list(body)
    copy[path[0]] = put(body[path[0]], path[1:], value)
    return copy


def test_no_field_takes_a_line_that_could_become_a_header() -> None:
    """Every text of request and commands, one after the other: a break is refused by path where a name stands, and is
    a break of a text where texts have several lines."""
    body = {"seller": "demo", "reference": "X-1", "currency": "EUR", **request()}
    parse_request(body)
    many_lines = {"description", "notes", "reason", "comment", "text", "<script>"}
    tried = 0
    for path in texts_of(body):
        for ending in ("\r\nBcc: all@evil.example", "\rX: y", "\x00", "\x85", "\u2028x", "\x1b[2J"):
            with pytest.raises(Invalid):
                parse_request(
                    put(body, path, f"x{ending}y" if "\n" not in ending or path[-1] not in many_lines else "\r")
                )
            tried += 1
    for name, example in EXAMPLES.items():
        for path in texts_of(example):
            if path[0] != "request" and path[-1] not in many_lines:
                with pytest.raises(Invalid):
                    parse_command(name, (put(example, path, "x\r\nBcc: all@evil.example"),))
                tried += 1
    assert tried > 200


async def test_what_was_refused_never_comes_back_as_markup(front: Front) -> None:
    """Problems name a field and the fix; what they repeat of the input is text, in JSON."""
    body = {"seller": "demo", "reference": HTML, "currency": HTML, "customer": HTML, "lines": [], HTML: 1}
    answer = await front.ask("POST", "/v1/invoices", headers=front.key(), json=body)
    assert answer.status_code in (422, 503)
    assert answer.headers["content-type"].startswith("application/")
    for path in (f"/v1/invoices/{HTML}", f"/i/{HTML}", f"/{HTML}", f"/i/x?done={HTML}"):
        said = await front.ask("GET", path, headers={**front.key(), "Accept": "text/html"})
        assert HTML not in said.text or said.headers["content-type"].startswith("application/"), path


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"), ("..\\..\\win.ini", "win"), ("C:\\a\\b.pdf", "b"), ("/etc/shadow", "shadow"),
        ("a\x00b.pdf", "ab"), (".htaccess", ""), ("..", ""), ("", ""), ("\u202efdp.exe", ""), ("a\r\nX: y.pdf", "aX y"),
        ("<script>.svg", "script"), ("x" * 5_000, "x" * 100), ("con.pdf", "con"), ("%2e%2e%2fa.pdf", "%2e%2e%2fa"),
    ],
)  # fmt: skip
def test_evil_names_of_files(name: str, kept: str) -> None:
    from gateway.forms import _file_name

    made = _file_name(name, "pdf")
    assert made.endswith(".pdf")
    assert not re.search(r"[/\\\x00-\x1f<>:\u202a-\u202e]|^\.", made)
    assert len(made) <= 104
    if kept:
        assert made == f"{kept}.pdf"
