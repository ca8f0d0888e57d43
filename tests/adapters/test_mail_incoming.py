"""Mails as they come in: whatever is wrong with one, it is read; nothing in it is opened, followed or run."""

from __future__ import annotations

import time
from datetime import date
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.mail import inbound_parse
from adapters.mail.incoming import MOST_BYTES, MOST_TEXT, parse
from adapters.mail.plain import plain
from domain.errors import Invalid
from domain.replies import judge

HEAD = b"From: a <A@B.example>\r\nTo: ar-0123456789ab@reply.demo.example\r\nMessage-ID: <1@b.example>\r\n"
LATIN = "Grüße, bezahlt".encode("latin-1")


def test_a_plain_mail() -> None:
    raw = HEAD + b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nReferences: <x@y> <z@y>\r\nIn-Reply-To: <z@y>\r\n\r\nHi\r\n"
    mail = parse(raw, recipients=("ar-ffffffffffff@reply.demo.example",), proof="SPF pass")
    assert (mail.sender, mail.name, mail.subject, mail.text) == ("a@b.example", "a", "Grüße", "Hi")
    assert mail.to == ("ar-ffffffffffff@reply.demo.example", "ar-0123456789ab@reply.demo.example")
    assert (mail.message_id, mail.references, mail.proof) == ("1@b.example", ("z@y", "x@y"), "SPF pass")


def test_no_header_continues_and_no_text_turns_round() -> None:
    raw = (
        HEAD
        + b"Subject: =?utf-8?q?a=0D=0ABcc=3A_x=40y.example=00_=E2=80=AEb?=\r\n\r\nok\x00\x1b[31m \xe2\x80\xaeok\r\n"
    )
    mail = parse(raw)
    assert mail.subject == "a Bcc: x@y.example b"
    assert mail.text == "ok[31m ok"


def test_what_is_attached_is_named_and_not_opened() -> None:
    mail = EmailMessage()
    mail["From"] = "a@b.example"
    mail.set_content("see there")
    mail.add_attachment(b"%PDF-" + b"x" * 30_000, maintype="application", subtype="pdf", filename="../../etc/passwd")
    mail.add_attachment(b"\x89PNG", maintype="image", subtype="png", disposition="inline", cid="<logo>")
    mail.add_attachment("we paid", filename="note.txt")
    found = parse(mail.as_bytes())
    assert found.text == "see there"
    assert [(name, kind) for name, kind, _ in found.attached] == [
        ("../../etc/passwd", "application/pdf"),
        ("note.txt", "text/plain"),
    ]
    assert abs(found.attached[0][2] - 30_005) < 1000


@pytest.mark.parametrize(
    ("head", "body", "text"),
    [
        (b"Content-Type: text/plain; charset=latin-1", LATIN, "Grüße, bezahlt"),
        (b"Content-Type: text/plain", "Grüße, bezahlt".encode(), "Grüße, bezahlt"),
        (b"Content-Type: text/plain; charset=nonsense", b"paid", "paid"),
        (b"Content-Type: text/plain; charset=zip", b"paid", "paid"),
        (b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64", b"cGFpZA=", "paid"),
        (b"Content-Type: multipart/mixed", b"no boundary", "no boundary"),
        (b"Content-Type: ;;;=", b"paid", "paid"),
        (b'Content-Type: text/plain; charset="a\0b"', b"pa\xffid", "pa\ufffdid"),
        (b"Content-Type: text/plain; charset*=utf-8; charset==?idna?q?a?=", b"pa\xffid", "pa\ufffdid"),
        (b"Content-Type: multipart/mixed; boundary*=b; boundary*0*=c", b"paid", ""),  # one unnamed attachment
        (b"Content-Type: multipart/mixed; boundary*=a\0b''x", b"--x\r\n\r\npaid", "--x\n\npaid"),
        (b"Content-Type: text/html", b"<p>a</p><script>b</script><img src=http://x/y>c&lt;d", "a\nc<d"),
        (b"Content-Type: text/html", b"<![foo[x]]>a<![if !y]>b<![endif]>", "ab"),
        (b"Content-Type: text/html", b'<?xml version="1.0" encoding="latin-1"?><p>\xc3\xbc', "ü"),
    ],
)
def test_broken_encodings_survive(head: bytes, body: bytes, text: str) -> None:
    assert parse(HEAD + head + b"\r\n\r\n" + body).text == text


def test_a_part_that_nobody_can_read_costs_no_other() -> None:
    broken = b'Content-Type: application/pdf; charset="a\0b"\r\n\r\n\xff\r\n--b\r\n'
    raw = HEAD + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n' + broken + b"\r\nwe paid\r\n--b--\r\n"
    found = parse(raw)
    assert (found.text, [kind for _, kind, _ in found.attached]) == ("we paid", ["application/pdf"])


def test_a_mail_within_a_mail_is_attached_and_not_its_text() -> None:
    inner = HEAD + b"\r\nwe paid\r\n"
    raw = HEAD + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nsee\r\n--b\r\n'
    raw += b"Content-Type: message/rfc822\r\n\r\n" + inner + b"\r\n--b--\r\n"
    found = parse(raw)
    assert (found.text, found.attached) == ("see", (("message", "message/rfc822", 0),))


@pytest.mark.parametrize("levels", [30, 3_000])
def test_nesting_ends_somewhere(levels: int) -> None:
    raw = HEAD
    for n in range(levels):
        raw += b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n)
    began = time.monotonic()
    assert parse(raw + b"\r\nhello").sender == "a@b.example"
    assert time.monotonic() - began < 20


PIECES = ["1.", "1,", "€1", "(", "<a@", "a@", "On x wrote\n", "please ", "> ", "=?", "=?a?q? ", " ", "\n \n", "-"]
HTML = ["<a b=", "<a b='", "<![x[", "<!--", "<?", "</", "<blockquote>", "<div>", "<title>", "&lt;", "&#", "< "]


@pytest.mark.parametrize(
    ("kind", "piece"), [*(("plain", piece) for piece in PIECES), *(("html", piece) for piece in HTML)]
)
def test_no_text_takes_long(kind: str, piece: str) -> None:
    """Whoever writes cannot hold up the others: a second is a hundred times what the longest mail needs."""
    much = (piece * 200_000)[:200_000]
    head = much[:60_000].replace("\n", " ")
    began = time.process_time()
    mail = parse(
        f"From: {head}\r\nSubject: {head}\r\nReferences: {head}\r\nContent-Type: text/{kind}\r\n\r\nx{much}x".encode()
    )
    judge(mail, date(2026, 12, 1))
    assert time.process_time() - began < 2


def test_much_is_cut_and_too_much_refused() -> None:
    assert len(parse(HEAD + b"\r\n" + b"pay " * 200_000).text) == MOST_TEXT
    assert len(parse(HEAD + b"To: " + b"x@y.example, " * 5_000 + b"\r\n\r\n").to) <= 100
    for raw in (b"", b" \r\n", b"x" * (MOST_BYTES + 1)):
        with pytest.raises(Invalid):
            parse(raw)


@given(st.binary(min_size=1, max_size=2_000))
def test_any_bytes_are_read(raw: bytes) -> None:
    if raw.strip():
        parse(raw).text.encode()
        assert "\x00" not in parse(HEAD + raw).text


@given(st.text(alphabet="<>/ab'\"= \n&;!-", max_size=300))
def test_any_html_is_read(html: str) -> None:
    assert "<blockquote" not in plain(html)


def test_quotes_in_html_are_marked() -> None:
    assert plain("<div>a</div><blockquote>b<br>c<blockquote>d</blockquote></blockquote>e") == "a\n> b\n> c\n> > d\ne"


def form(**fields: bytes) -> tuple[str, bytes]:
    parts = [
        b'--x\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
        % (name.encode(), b'; filename="bill.pdf"' if name.startswith("attachment") else b"", value)
        for name, value in fields.items()
    ]
    return "multipart/form-data; boundary=x", b"".join(parts) + b"--x--\r\n"


def test_inbound_parse_hands_the_raw_mail_on_as_it_is() -> None:
    raw = HEAD + b"Content-Type: text/plain; charset=latin-1\r\n\r\n" + LATIN
    envelope = b'{"to": ["ar-0123456789ab@reply.demo.example"], "from": "a@b.example"}'
    found = inbound_parse.read(*form(email=raw, envelope=envelope, SPF=b"pass", dkim=b"{@b.example : pass}"))
    assert (found.raw, found.recipients) == (raw, ("ar-0123456789ab@reply.demo.example",))
    assert found.proof == "SPF pass; dkim {@b.example : pass}"


@pytest.mark.parametrize("envelope", [b"{", b"[]", b'{"to": 7}', b'{"to": "a@b.example"}', b'{"to": [7]}'])
def test_an_envelope_that_names_nobody_costs_no_mail(envelope: bytes) -> None:
    found = inbound_parse.read(*form(email=HEAD, envelope=envelope))
    assert (found.raw, found.recipients) == (HEAD, ())


def test_inbound_parse_in_pieces_is_put_together() -> None:
    headers = HEAD + b'Subject: hello\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="gone"\r\n'
    fields = {"headers": headers, "text": LATIN, "html": b"<p>x</p>", "charsets": b'{"text": "iso-8859-1"}'}
    found = parse(inbound_parse.read(*form(**fields, attachment1=b"%PDF-1.4")).raw)
    assert (found.subject, found.text, found.message_id) == ("hello", "Grüße, bezahlt", "1@b.example")
    assert [(name, size) for name, _, size in found.attached] == [("bill.pdf", 9)]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=x", b"nothing"),
        form(subject=b"no headers"),
        form(**{f"f{n}": b"" for n in range(300)}),
    ],
)
def test_what_is_no_such_form_is_refused(content_type: str, body: bytes) -> None:
    with pytest.raises(Invalid):
        inbound_parse.read(content_type, body)
