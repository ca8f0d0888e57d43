"""SendGrid's event webhook, signed as SendGrid signs it and posted to a real server: what is believed, what it says."""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from sendgrid.helpers.eventwebhook import EventWebhookHeader

from adapters.mail.sendgrid import SendGrid
from adapters.mail.sendgrid_events import MAX_BYTES, Batch, parse, verify
from adapters.standins.sendgrid import SendGridStandIn
from domain.delivery import advance
from domain.errors import Invalid, Refused
from tests.adapters.test_mail import MESSAGE

NOW = datetime(2026, 1, 5, 9, 15, tzinfo=UTC)
KEY = MESSAGE.key
EVENT = {"event": "delivered", "sg_event_id": "e1", "timestamp": 1_767_604_500, "duely_key": KEY}


class Hook:
    """The other end: verifies, reads, and answers as a gateway would."""

    def __init__(self) -> None:
        hook, self.key, self.batches = self, "", list[Batch]()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                payload = self.rfile.read(int(self.headers["Content-Length"]))
                signature, timestamp = (
                    self.headers.get(name) for name in (EventWebhookHeader.SIGNATURE, EventWebhookHeader.TIMESTAMP)
                )
                try:
                    verify(hook.key, payload, signature, timestamp, NOW)
                    hook.batches.append(parse(payload))
                    self.send_response(204)
                except (Refused, Invalid):
                    self.send_response(400)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self.url = f"http://127.0.0.1:{self._server.server_port}/webhooks/sendgrid"

    def __enter__(self) -> Hook:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def state(self, key: str = KEY) -> str:
        state = "accepted"
        for batch in self.batches:
            for event in batch.events:
                state = advance(state, event.type) if event.key == key else state
        return state


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook() as made:
        yield made


@pytest.fixture
def world(hook: Hook) -> Iterator[SendGridStandIn]:
    with SendGridStandIn(hook=hook.url, clock=lambda: NOW) as standin:
        hook.key = standin.public_key
        SendGrid(standin.api_key, standin.url).send(MESSAGE)
        yield standin


class TestWorld:
    def test_the_life_of_a_mail(self, world: SendGridStandIn, hook: Hook) -> None:
        reports = (world.process, world.defer, world.deliver, world.spam_report)
        states = []
        for report in reports:
            assert report(KEY) == 204
            states.append(hook.state())
        assert states == ["processed", "deferred", "delivered", "spam_report"]
        assert [event.reason for batch in hook.batches for event in batch.events] == ["", "4.7.1", "", ""]
        assert {event.at for batch in hook.batches for event in batch.events} == {NOW}

    @pytest.mark.parametrize(
        ("report", "type_", "reason"),
        [
            (SendGridStandIn.bounce, "bounced", "5.1.1"),
            (SendGridStandIn.block, "blocked", "5.7.1"),
            (SendGridStandIn.drop, "dropped", "bounced_address"),
        ],
    )
    def test_how_a_mail_fails(self, world: SendGridStandIn, hook: Hook, report: Any, type_: str, reason: str) -> None:
        assert report(world, KEY) == 204
        ((event,),) = [batch.events for batch in hook.batches]
        assert (event.type, event.reason, event.key) == (type_, reason, KEY)
        assert "globex" not in repr(event)
        assert "globex" in str(world.events), "SendGrid itself does repeat the address"

    @pytest.mark.parametrize("seed", range(5))
    def test_twice_and_in_another_order_ends_the_same(self, world: SendGridStandIn, hook: Hook, seed: int) -> None:
        world.hook = None
        for report in (world.process, world.defer, world.deliver, world.bounce, world.open):
            report(KEY)
        world.hook = hook.url
        assert world.post(world.shuffled(seed)) == 204
        assert hook.state() == "bounced"
        (batch,) = hook.batches
        assert len(batch.events) == 8
        assert len({event.id for event in batch.events}) == 4
        assert batch.ignored == 2

    def test_what_is_forged_late_or_early_changes_nothing(self, world: SendGridStandIn, hook: Hook) -> None:
        world.process(KEY)
        forged = [{**world.events[0], "event": "delivered", "sg_event_id": "forged"}]
        assert world.post(forged, signed_by=ec.generate_private_key(ec.SECP256R1())) == 400
        for minutes in (-11, 11):
            assert world.post(forged, signed_at=NOW + timedelta(minutes=minutes)) == 400
        assert hook.state() == "processed"
        for minutes in (-10, 10):
            assert world.post(world.events, signed_at=NOW + timedelta(minutes=minutes)) == 204

    def test_events_find_their_own_mail(self, world: SendGridStandIn, hook: Hook) -> None:
        SendGrid(world.api_key, world.url).send(replace(MESSAGE, key="another"))
        world.deliver("another")
        world.bounce(KEY)
        assert (hook.state("another"), hook.state()) == ("delivered", "bounced")


class TestVerify:
    @pytest.fixture
    def key(self) -> Iterator[SendGridStandIn]:
        with SendGridStandIn(clock=lambda: NOW) as standin:
            yield standin

    def test_the_vendor_s_signature_over_any_text(self, key: SendGridStandIn) -> None:
        for payload in (b"", b"[]", '[{"a":"Jürgen \U0001f600"}]\r\n'.encode(), b"x" * MAX_BYTES):
            signed = key.sign(payload)
            verify(key.public_key, payload, *signed, NOW)
            verify(f" {key.public_key}\n", payload, *signed, NOW)

    @pytest.mark.parametrize(
        ("signature", "timestamp"),
        [
            (None, "{timestamp}"), ("{signature}", None), (None, None), ("", "{timestamp}"), ("{signature}", ""),
            ("no base64", "{timestamp}"), ("ü", "{timestamp}"), ("AAAA", "{timestamp}"), ("{signature}", "1"),
            ("{signature}", "{timestamp}0"), ("{signature}", "\udcff"),
        ],
    )  # fmt: skip
    def test_headers_that_are_missing_or_wrong(
        self, key: SendGridStandIn, signature: str | None, timestamp: str | None
    ) -> None:
        names = dict(zip(("signature", "timestamp"), key.sign(b"[]"), strict=True))
        with pytest.raises(Refused):
            verify(
                key.public_key,
                b"[]",
                signature and signature.format(**names),
                timestamp and timestamp.format(**names),
                NOW,
            )

    def test_a_timestamp_that_is_signed_and_no_time(self, key: SendGridStandIn) -> None:
        signature, now = key.sign(b"5 minutes ago[]")
        with pytest.raises(Refused, match="Unix time"):
            verify(key.public_key, b"[]", signature, f"{now}5 minutes ago", NOW)

    @pytest.mark.parametrize("payload", [b"[] ", b"\xff", b"[" * 10_000_000, b""])
    def test_a_body_that_was_not_signed(self, key: SendGridStandIn, payload: bytes) -> None:
        with pytest.raises(Refused):
            verify(key.public_key, payload, *key.sign(b"[]"), NOW)

    def test_a_body_of_ten_megabytes_is_refused_even_if_signed(self, key: SendGridStandIn) -> None:
        payload = b"[" + b" " * 10_000_000 + b"]"
        with pytest.raises(Refused, match="larger"):
            verify(key.public_key, payload, *key.sign(payload), NOW)

    def test_a_body_that_is_no_text_is_refused_even_if_signed(self, key: SendGridStandIn) -> None:
        with pytest.raises(Refused):
            verify(key.public_key, b"\xff", *key.sign(b"\xff"), NOW)

    def test_the_key_of_another_account(self, key: SendGridStandIn) -> None:
        with SendGridStandIn() as other, pytest.raises(Refused, match="SENDGRID_WEBHOOK_PUBLIC_KEY"):
            verify(other.public_key, b"[]", *key.sign(b"[]"), NOW)

    def test_a_setting_that_is_no_key(self, key: SendGridStandIn) -> None:
        other = rsa.generate_private_key(65537, 2048).public_key()
        der = other.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        for bad in ("", "hunter2", "ü", key.public_key[:-8], b64encode(der).decode()):
            with pytest.raises(Invalid, match="SENDGRID_WEBHOOK_PUBLIC_KEY") as raised:
                verify(bad, b"[]", *key.sign(b"[]"), NOW)
            assert "hunter2" not in str(raised.value)


class TestParse:
    @pytest.mark.parametrize(
        "payload", [b"", b"{}", b"null", b'"x"', b"[", b"\xff", b"[" * 100_000, b"[1" + b"0" * 9999]
    )
    def test_what_is_no_list_of_events(self, payload: bytes) -> None:
        with pytest.raises(Invalid):
            parse(payload)

    @pytest.mark.parametrize(
        ("change", "counted"),
        [
            ({"event": "open"}, Batch(ignored=1)),
            ({"event": "teleported"}, Batch(ignored=1)),
            ({"event": None}, Batch(malformed=1)),
            ({"duely_key": None}, Batch(foreign=1)),
            ({"duely_key": 7}, Batch(malformed=1)),
            ({"duely_key": "a b"}, Batch(malformed=1)),
            ({"sg_event_id": None}, Batch(malformed=1)),
            ({"sg_event_id": "x" * 201}, Batch(malformed=1)),
            ({"timestamp": "yesterday"}, Batch(malformed=1)),
            ({"timestamp": True}, Batch(malformed=1)),
            ({"timestamp": 10**18}, Batch(malformed=1)),
        ],
    )
    def test_what_is_counted_and_not_believed(self, change: dict[str, object], counted: Batch) -> None:
        assert parse(json.dumps([EVENT | change]).encode()) == counted
        (event,) = parse(json.dumps([EVENT | change, EVENT, 7]).encode()).events
        assert (event.id, event.key, event.type, event.at) == ("e1", KEY, "delivered", NOW)

    @pytest.mark.parametrize(
        ("said", "reason"),
        [
            ({"event": "bounce", "status": "5.1.1", "reason": "550 5.7.1 other"}, "5.1.1"),
            ({"event": "bounce", "reason": "552 5.2.2 <ap@globex.example>: full"}, "5.2.2"),
            ({"event": "bounce", "reason": "550 ap@globex.example unknown"}, "550"),
            ({"event": "bounce", "reason": "see 5.1.1.1 or ap@5.1.1.example"}, ""),
            ({"event": "bounce", "type": "blocked", "reason": "unable to get mx info"}, ""),
            ({"event": "deferred", "response": "451 4.3.0 later"}, "4.3.0"),
            ({"event": "dropped", "reason": "Bounced Address", "status": "5.0.0"}, "bounced_address"),
            ({"event": "dropped", "reason": "Some New Reason", "status": "5.0.0"}, "5.0.0"),
            ({"event": "dropped", "reason": {"no": "text"}}, ""),
            ({"event": "delivered", "response": "250 2.0.0 OK"}, ""),
        ],
    )
    def test_a_reason_is_a_code(self, said: dict[str, object], reason: str) -> None:
        (event,) = parse(json.dumps([EVENT | said]).encode()).events
        assert event.reason == reason

    def test_thousands_in_one_batch(self) -> None:
        items = [EVENT | {"sg_event_id": f"e{number}"} for number in range(5000)]
        assert len(parse(json.dumps(items).encode()).events) == 5000

    @settings(max_examples=50)
    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(sorted(map(str, EVENT.values()))),
            lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(sorted(EVENT)) | st.text(), inner),
        )
    )
    def test_any_json_is_read_or_invalid(self, value: object) -> None:
        try:
            batch = parse(json.dumps(value).encode())
        except Invalid:
            assert not isinstance(value, list)
        else:
            assert isinstance(value, list)
            assert len(batch.events) + batch.ignored + batch.foreign + batch.malformed == len(value)


def test_no_two_stand_ins_give_the_same_ids():
    told = []
    for _ in range(2):
        with SendGridStandIn() as world:
            SendGrid(world.api_key, world.url).send(MESSAGE)
            world.deliver(KEY)
            told += [event["sg_event_id"] for event in world.events]
    assert len(set(told)) == 2
