"""SendGrid: what each answer and each silence means, and what is in the request. The contract is in test_mail."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from pydantic import SecretStr
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.receivable import mapped
from adapters.mail.port import Address, Attachment
from adapters.mail.sendgrid import SendGrid, compose
from adapters.standins.sendgrid import Fault, SendGridStandIn
from adapters.standins.sendgrid_rules import complaints
from domain.errors import DuelyError, OutcomeUnknown, ProviderDown, Refused
from settings import Settings
from tests.adapters.test_mail import MESSAGE, free_port
from workers.wiring import mail_of


@pytest.fixture
def world() -> Iterator[SendGridStandIn]:
    with SendGridStandIn() as standin:
        yield standin


@pytest.fixture
def sendgrid(world: SendGridStandIn) -> SendGrid:
    return SendGrid(world.api_key, world.url, read_timeout=0.5, clock=lambda: 1_000_000.9)


class TestAnswers:
    @pytest.mark.parametrize(
        ("fault", "error", "left"),
        [
            (Fault(status=401), ProviderDown, 0),
            (Fault(status=403), ProviderDown, 0),
            (Fault(status=404), ProviderDown, 0),
            (Fault(status=408, spoken=False), ProviderDown, 0),
            (Fault(status=400), Refused, 0),
            (Fault(status=400, about="to ap@globex.example"), Refused, 0),
            (Fault(status=400, spoken=False), Refused, 0),
            (Fault(status=413), Refused, 0),
            (Fault(status=500), OutcomeUnknown, 0),
            (Fault(status=500, taken=True), OutcomeUnknown, 1),
            (Fault(status=502, taken=True, spoken=False), OutcomeUnknown, 1),
            (Fault(status=503), ProviderDown, 0),
            (Fault(status=503, taken=True, spoken=False), OutcomeUnknown, 1),
            (Fault(status=504, taken=True, spoken=False), OutcomeUnknown, 1),
            (Fault(status=200), OutcomeUnknown, 0),
            (Fault("drop"), OutcomeUnknown, 0),
            (Fault("drop", taken=True), OutcomeUnknown, 1),
            (Fault("hang", taken=True), OutcomeUnknown, 1),
        ],
    )
    def test_what_it_means(
        self, sendgrid: SendGrid, world: SendGridStandIn, fault: Fault, error: type[DuelyError], left: int
    ) -> None:
        world.faults.append(fault)
        with pytest.raises(error) as raised:
            sendgrid.send(MESSAGE)
        assert raised.type is error
        assert "globex" not in str(raised.value)
        assert len(world.taken) == left
        sendgrid.send(MESSAGE)
        assert len(world.taken) == left + 1, "the next request is another one"

    def test_too_many_requests_says_when_to_come_back(self, sendgrid: SendGrid, world: SendGridStandIn) -> None:
        resets = ["1000042", "999000", "", "soon"]
        for reset in resets:
            world.faults.append(Fault(status=429, headers={"X-RateLimit-Reset": reset} if reset else {}))
        found = []
        for _ in resets:
            with pytest.raises(ProviderDown) as raised:
                sendgrid.send(MESSAGE)
            found.append(raised.value.retry_after_seconds)
        assert found == [42, 1, None, None]

    @pytest.mark.parametrize(("reset", "delay"), [(42, 42), (86_400, 900)])
    def test_temporal_waits_that_long_and_never_longer_than_a_look(
        self, sendgrid: SendGrid, world: SendGridStandIn, reset: int, delay: int
    ) -> None:
        world.faults.append(Fault.rate_limit(1_000_000 + reset))
        with pytest.raises(ApplicationError) as raised, mapped(final=True):
            sendgrid.send(MESSAGE)
        assert (raised.value.type, raised.value.non_retryable) == ("ProviderDown", False)
        assert raised.value.next_retry_delay == timedelta(seconds=delay)

    @pytest.mark.parametrize(("attempt", "seconds"), [(1, 1), (2, 4), (5, 256), (6, 300), (40, 300)])
    def test_one_that_names_no_time_is_left_more_by_each_attempt(
        self, sendgrid: SendGrid, world: SendGridStandIn, attempt: int, seconds: int
    ) -> None:
        env = ActivityEnvironment()
        env.info = replace(env.info, attempt=attempt)

        def send() -> None:
            with mapped(final=True, gently=True):
                sendgrid.send(MESSAGE)

        world.faults.append(Fault(status=401))
        with pytest.raises(ApplicationError) as raised:
            env.run(send)
        assert raised.value.next_retry_delay == timedelta(seconds=seconds)

    def test_where_somebody_waits_the_step_has_its_own_pauses(self, sendgrid: SendGrid, world: SendGridStandIn) -> None:
        world.faults.append(Fault(status=401))
        with pytest.raises(ApplicationError) as raised, mapped(final=True):
            sendgrid.send(MESSAGE)
        assert raised.value.next_retry_delay is None

    def test_a_refusal_names_the_fields_and_no_address(self, sendgrid: SendGrid, world: SendGridStandIn) -> None:
        twice = (Address("", "ap@globex.example"), Address("", "ap@globex.example"))
        with pytest.raises(Refused) as raised:
            sendgrid.send(replace(MESSAGE, subject="\r\n", to=(Address("", "jürgen@globex.example"), *twice)))
        assert "personalizations.0.to.0.email, subject" in str(raised.value)
        assert "globex" not in str(raised.value)
        assert world.taken == []

    def test_a_wrong_key_is_our_fault_and_shows_nowhere(self, world: SendGridStandIn) -> None:
        with pytest.raises(ProviderDown, match="401") as raised:
            SendGrid("SG.hunter2", world.url).send(MESSAGE)
        assert "hunter2" not in str(raised.value)
        assert world.taken == []


class TestSilence:
    @pytest.mark.parametrize("host", ["http://127.0.0.1:{port}", "https://127.0.0.1:{port}", "http://no.invalid"])
    def test_nobody_listens(self, host: str) -> None:
        with pytest.raises(ProviderDown):
            SendGrid("SG.x", host.format(port=free_port()), connect_timeout=5).send(MESSAGE)

    def test_a_handshake_that_never_ends_sent_nothing(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(ProviderDown):
            SendGrid("SG.x", f"https://127.0.0.1:{listener.getsockname()[1]}", connect_timeout=0.2).send(MESSAGE)

    def test_a_request_that_is_cut_in_the_middle_was_not_taken(self) -> None:
        large = replace(MESSAGE, attachments=(Attachment("a.pdf", "application/pdf", bytes(12_000_000)),))
        with socket.create_server(("127.0.0.1", 0)) as listener:

            def cut() -> None:
                peer, _ = listener.accept()
                with peer:
                    peer.recv(1000)

            thread = threading.Thread(target=cut)
            thread.start()
            with pytest.raises(ProviderDown):
                SendGrid("SG.x", f"http://127.0.0.1:{listener.getsockname()[1]}").send(large)
            thread.join()

    def test_our_key_is_not_carried_to_where_a_redirect_points(self, world: SendGridStandIn) -> None:
        class Elsewhere(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(302)
                self.send_header("Location", f"{world.url}/v3/mail/send")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        with HTTPServer(("127.0.0.1", 0), Elsewhere) as server:
            thread = threading.Thread(target=server.handle_request)
            thread.start()
            with pytest.raises(ProviderDown, match="302"):
                SendGrid("SG.x", f"http://127.0.0.1:{server.server_port}").send(MESSAGE)
            thread.join()


class TestRequest:
    def test_only_the_key_of_the_message_is_kept_for_the_events(
        self, sendgrid: SendGrid, world: SendGridStandIn
    ) -> None:
        sendgrid.send(MESSAGE)
        (body,) = [taken.body for taken in world.taken]
        assert [envelope["custom_args"] for envelope in body["personalizations"]] == [{"duely_key": MESSAGE.key}]
        assert "custom_args" not in body
        kept = json.dumps([body["categories"], body["personalizations"][0]["custom_args"]])
        for personal in ("globex", "Müller", "Jule", "RE-2026", "ORD-1042", "1.785", "@", "nordlicht"):
            assert personal not in kept

    def test_nobody_is_watched_unless_told(self, world: SendGridStandIn) -> None:
        SendGrid(world.api_key, world.url).send(MESSAGE)
        SendGrid(world.api_key, world.url).send(replace(MESSAGE, tracking=True))
        quiet, watched = (taken.body["tracking_settings"] for taken in world.taken)
        assert {name: setting["enable"] for name, setting in quiet.items()} == dict.fromkeys(
            ("click_tracking", "open_tracking", "subscription_tracking", "ganalytics"), False
        )
        assert [name for name, setting in watched.items() if setting["enable"]] == ["click_tracking", "open_tracking"]

    def test_many_threads_send_each_its_own(self, sendgrid: SendGrid, world: SendGridStandIn) -> None:
        def send(number: int) -> str:
            return sendgrid.send(replace(MESSAGE, key=f"key-{number}", invoice=f"invoice-{number}", rung=None))

        with ThreadPoolExecutor(8) as pool:
            sent = list(pool.map(send, range(40)))
        assert len(set(sent)) == 40
        got = [(taken.args["duely_key"], taken.mail()) for taken in world.taken]
        assert len(got) == 40
        for key, mail in got:
            assert mail["X-Duely-Key"] == key
            assert mail["X-Duely-Invoice"] == key.replace("key", "invoice")
            assert mail["Message-ID"] == sent[int(key.removeprefix("key-"))]

    def test_what_one_thread_puts_on_its_client_reaches_no_other(
        self, sendgrid: SendGrid, world: SendGridStandIn
    ) -> None:
        sendgrid._client().client.request_headers["Authorization"] = "Bearer another"
        with pytest.raises(ProviderDown, match="401"):
            sendgrid.send(MESSAGE)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(sendgrid.send, MESSAGE).result()
        assert len(world.taken) == 1

    def test_no_log_has_the_mail_or_the_key(
        self, sendgrid: SendGrid, world: SendGridStandIn, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        sendgrid.send(MESSAGE)
        assert "globex" not in caplog.text
        assert world.api_key not in caplog.text

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"attachments": (Attachment("a.pdf", "application/pdf", bytes(23_000_000)),)}, "30 MB"),
            ({"text": "SG.abc.def is our key"}, "text"),
        ],
    )
    def test_what_sendgrid_never_takes_is_not_sent(
        self, sendgrid: SendGrid, world: SendGridStandIn, change: dict[str, Any], field: str
    ) -> None:
        with pytest.raises(Refused, match=field):
            sendgrid.send(replace(MESSAGE, **change))
        assert world.taken == []

    def test_the_setting_chooses_it(self, world: SendGridStandIn) -> None:
        chosen = mail_of(Settings(mail="sendgrid", sendgrid_api_key=SecretStr(world.api_key), sendgrid_host=world.url))
        chosen.send(MESSAGE)
        assert isinstance(chosen, SendGrid)
        assert len(world.taken) == 1


class TestRules:
    """The stand-in refuses what SendGrid's description does not allow."""

    def test_our_own_request_is_fine(self) -> None:
        assert complaints(json.dumps(compose(MESSAGE)).encode()) == []

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"unknown": 1}, "unknown"),
            ({"custom_args": {"duely_key": "k"}}, "custom_args"),
            ({"personalizations": []}, "personalizations"),
            ({"personalizations": [{"to": []}]}, "personalizations.0.to"),
            ({"personalizations": [{"to": [{"email": "ap@globex.example"}] * 2}]}, "personalizations.0"),
            ({"personalizations": [{"to": [{"email": "nobody"}]}]}, "personalizations.0.to.0.email"),
            ({"personalizations": [{"to": [{"mail": "a@b.example"}]}]}, "personalizations.0.to.0.email"),
            ({"content": []}, "content"),
            ({"content": [{"type": "text/plain", "value": ""}]}, "content.0.value"),
            ({"content": [{"type": f"text/{kind}", "value": "x"} for kind in ("html", "plain")]}, None),
            ({"headers": {"Reply-to": "x"}}, "headers"),
            ({"headers": {"DKIM-Signature": "x"}}, "headers"),
            ({"headers": {"X-Name": "Müller"}}, "headers"),
            ({"headers": {"X-Name": "a\r\nBcc: b"}}, "headers"),
            ({"attachments": [{"content": "no base64!", "filename": "a.pdf"}]}, "attachments.0.content"),
            ({"categories": ["a"] * 2}, None),
            ({"subject": ""}, "subject"),
            ({"tracking_settings": {"click_tracking": {"enable": "no"}}}, "tracking_settings.click_tracking.enable"),
        ],
    )
    def test_a_request_that_is_not(self, change: dict[str, Any], field: str | None) -> None:
        body = compose(MESSAGE) | change
        assert field in [complaint["field"] for complaint in complaints(json.dumps(body).encode())]

    def test_custom_arguments_have_a_limit(self) -> None:
        body = compose(MESSAGE)
        body["personalizations"][0]["custom_args"]["more"] = "x" * 10_000
        (complaint,) = complaints(json.dumps(body).encode())
        assert complaint["field"] == "personalizations.0.custom_args"

    def test_what_is_no_json_is_refused(self) -> None:
        assert complaints(b"{")
