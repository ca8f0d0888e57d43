"""The only wiring: settings → adapters → activities → worker. Proves at start that the workflow's steps and the
registered activities agree."""

from __future__ import annotations

import asyncio
import dataclasses
import os
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.archive import Keeper
from activities.beats import BEAT_SECONDS
from activities.checkout import BeforeSending, Cashier
from activities.payments import Paying
from activities.receivable import Receivable
from activities.sending import Sender
from activities.sheets import Mornings
from activities.statements import Statements
from activities.telling import Teller
from adapters.books.books import Books
from adapters.books.engine import open_engine
from adapters.documents.archive import Archive
from adapters.documents.own_key import own_key
from adapters.documents.port import Documents
from adapters.documents.seal import Seal
from adapters.documents.sealed import Sealed
from adapters.documents.typst import TypstDocuments
from adapters.einvoices import write
from adapters.letters import Composer
from adapters.mail.outbox import Outbox
from adapters.mail.port import Mail
from adapters.mail.smtp import Server, Smtp
from adapters.morning import Morning
from adapters.payment.bank_only import BankOnly
from adapters.payment.port import Payments
from adapters.payment.stripe import Stripe
from domain import links, queues
from domain.einvoice import EInvoice
from domain.errors import Invalid
from settings import Settings
from workers import client as client_of
from workers import telemetry
from workers.connect import TASK_QUEUE
from workflows import steps
from workflows.archive import ArchiveReading
from workflows.bank_file import BankFile
from workflows.invoice import Invoice
from workflows.payment_event import PaymentEvent
from workflows.sheets import Sheets
from workflows.sweep import PaymentSweep

PURE = ("domain", "schemas", "workflows", "pydantic", "pydantic_core", "annotated_types")
THREADS = 16
SEALER = "Duely"
"""Whose a key of our own says it is; one from an authority names the seller."""


def engine_of(settings: Settings) -> Engine:
    return open_engine(settings.database_url.get_secret_value())


def mail_of(settings: Settings) -> Mail:
    if settings.mail == "smtp":
        if settings.smtp_url is None:
            raise Invalid.at("SMTP_URL", "is needed by DUELY_MAIL=smtp")
        return Smtp(Server.from_url(settings.smtp_url.get_secret_value()))
    if settings.mail == "sendgrid":
        from adapters.mail.sendgrid import HOST, SendGrid

        if settings.sendgrid_api_key is None:
            raise Invalid.at("SENDGRID_API_KEY", "is needed by DUELY_MAIL=sendgrid")
        return SendGrid(settings.sendgrid_api_key.get_secret_value(), settings.sendgrid_host or HOST)
    return Outbox(settings.outbox)


def payments_of(settings: Settings) -> Payments:
    if settings.payment == "stripe":
        if settings.stripe_api_key is None:
            raise Invalid.at("STRIPE_API_KEY", "is needed by DUELY_PAYMENT=stripe")
        return Stripe(settings.stripe_api_key.get_secret_value(), settings.stripe_api_base)
    return BankOnly()


def page_of(settings: Settings, workflow_id: str, generation: int = 0, page: str = "i") -> str:
    """Where a customer sees the receivable (`i`) and comes back to from the payment page, or pays it (`pay`)."""
    return _signed(settings, page, links.CUSTOMER, links.customer_subject(workflow_id, generation))


def proof_of(settings: Settings, document: str) -> str:
    """Where whoever holds a document can compare it with what was issued."""
    return _signed(settings, "v", links.GENUINE, document)


def contact_of(settings: Settings, change: str) -> str:
    """Where the contact on record confirms a new one."""
    return _signed(settings, "c", links.CONTACT, change)


def sheet_of(settings: Settings, key: str) -> str:
    """Where an owner opens the morning sheet of that key."""
    return _signed(settings, "s", links.SHEET, key)


def decision_of(settings: Settings, message: str) -> str:
    """Where whoever was asked by that message approves or rejects."""
    return _signed(settings, "a", links.APPROVER, message)


def desk_of(settings: Settings, message: str) -> str:
    """Where whoever got that message decides the dispute it is about."""
    return _signed(settings, "d", links.DESK, message)


def _signed(settings: Settings, page: str, purpose: str, subject: str) -> str:
    secret = settings.signing_secret().get_secret_value()
    return f"{settings.public_url}/{page}/{links.token(secret, purpose, subject)}"


def previews() -> Callable[[EInvoice, Mapping[str, bytes]], bytes]:
    """The paper of a document that is not issued yet, marked as such: no data inside, no seal. `files`: the logo."""
    return TypstDocuments().preview


def documents_of(settings: Settings) -> Documents:
    """Paper and data, sealed when DUELY_SEAL says so. Invalid for a key that cannot seal."""
    documents = TypstDocuments(write)
    if settings.seal == "off":
        return documents
    path = own_key(settings.var, SEALER) if settings.seal == "own" else Path(settings.seal)
    try:
        key = path.read_bytes()
    except OSError as error:
        raise Invalid.at("DUELY_SEAL", f"{path} cannot be read: {error.strerror}") from None
    phrase = settings.seal_passphrase.get_secret_value() if settings.seal_passphrase else None
    with ThreadPoolExecutor(1) as apart:  # loading a key runs a loop of its own
        return Sealed(documents, apart.submit(Seal, key, phrase).result())


def composer_of(settings: Settings, archive: Archive, payable: bool, documents: Documents | None = None) -> Composer:
    """Mails carry a link once customers can pay there, or the gateway has a public address."""
    known = payable or "public_url" in settings.model_fields_set
    return Composer(
        documents or documents_of(settings),
        archive,
        partial(page_of, settings) if known else None,
        partial(page_of, settings, page="pay") if payable else None,
        proof=partial(proof_of, settings) if known else None,
        decide=partial(decision_of, settings),
        desk=partial(desk_of, settings),
        confirm=partial(contact_of, settings),
    )


def morning_of(settings: Settings, engine: Engine, mail: Mail) -> Morning:
    return Morning(engine, mail, partial(sheet_of, settings))


def activities_of(
    settings: Settings,
    engine: Engine,
    mail: Mail,
    payments: Payments,
    tell: Callable[[str], Awaitable[None]],
    documents: Documents | None = None,
    split: bool = False,
) -> dict[str, Callable[..., Any]]:
    """Every activity by its name, bound to its adapters. `tell` reaches a receivable's workflow; `split`: messages wait
    in queues of their own. ValueError unless they are exactly the workflows' steps."""
    archive = Archive(settings.archive)
    composer = composer_of(settings, archive, payments.online, documents)
    statements = Statements(engine, archive)
    books = Books(engine, mail.idempotent, mail.reports, settings.codec_ring().on, split)
    cashier = Cashier(engine, payments, partial(page_of, settings), tell)
    look = BeforeSending(cashier, asyncio.get_running_loop()) if payments.online else None
    steps_of, paying = Receivable(Sender(books, mail, composer, look)), Paying(books, payments)
    found: list[Callable[..., Any]] = [
        steps_of.draft,
        steps_of.command,
        steps_of.look,
        steps_of.send,
        steps_of.release,
        cashier.checkout,
        paying.event,
        paying.refund,
        paying.lost_events,
        paying.source_read,
        paying.reconcile,
        Teller(tell).tell,
        statements.read,
        statements.book,
        Keeper(engine, archive).reread,
        Mornings(morning_of(settings, engine, mail)).sheets,
    ]
    named = {str(activity._Definition.must_from_callable(each).name): each for each in found}
    if sorted(named) != sorted(steps.NAMES):
        raise ValueError(f"steps {sorted(steps.NAMES)} and activities {sorted(named)} differ")
    return named


def runner() -> SandboxedWorkflowRunner:
    """The sandbox with our pure packages passed through by name: an instance costs 1.2 ms instead of 9."""
    restrictions = SandboxRestrictions.default.with_passthrough_modules(*PURE)
    return SandboxedWorkflowRunner(restrictions=dataclasses.replace(restrictions))


def worker(
    client: Client,
    settings: Settings,
    engine: Engine,
    mail: Mail | None = None,
    queue: str = TASK_QUEUE,
    payments: Payments | None = None,
    documents: Documents | None = None,
) -> Worker:
    """A worker that does all work, from the queue `duely`, or from another one, for a server that several books share.
    It drains for `worker_drain` when it is told to stop. Adapters that are not given are those of the settings."""
    tell = partial(client_of.tell, client, engine, queue=queue)
    mail, payments = telemetry.counted(mail or mail_of(settings), settings.mail), payments or payments_of(settings)
    does = activities_of(settings, engine, mail, payments, tell, documents)
    return _worker(client, settings, queue, does)


def workers(client: Client, settings: Settings, engine: Engine, payments: Payments) -> list[Worker]:
    """The workers of this process: one for all work, or one for each kind that DUELY_WORKER_SERVES names."""
    if not settings.served():
        return [worker(client, settings, engine, payments=payments)]
    tell = partial(client_of.tell, client, engine)
    mail = telemetry.counted(mail_of(settings), settings.mail)
    does = activities_of(settings, engine, mail, payments, tell, split=True)
    return [_of_kind(client, settings, kind, does) for kind in settings.served()]


def _of_kind(client: Client, settings: Settings, kind: str, does: Mapping[str, Callable[..., Any]]) -> Worker:
    """Whoever serves `workflow` can do everything: what the books tell at once is mailed in their own step, and what
    was scheduled before the queues were split is sent by somebody."""
    queue = queues.named(TASK_QUEUE, kind)
    if kind == queues.WORKFLOW:
        return _worker(client, settings, queue, does)
    cores = os.cpu_count() or 1
    return Worker(
        client,
        task_queue=queue,
        activities=[does["send"]],
        max_task_queue_activities_per_second=settings.mail_per_second,
        **hands(settings, THREADS if kind == queues.MAIL else settings.documents_at_once or cores),
    )


def _worker(client: Client, settings: Settings, queue: str, does: Mapping[str, Callable[..., Any]]) -> Worker:
    return Worker(
        client,
        task_queue=queue,
        workflows=[Invoice, PaymentEvent, PaymentSweep, BankFile, ArchiveReading, Sheets],
        activities=list(does.values()),
        workflow_runner=runner(),
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=1),
        **hands(settings, THREADS),
    )


def hands(settings: Settings, threads: int) -> dict[str, Any]:
    """A thread for each activity that a worker takes, the time to finish it, and who counts its attempts. Every beat is
    told: the SDK would hold them back for four of the five seconds after which the server takes an attempt for dead,
    and on a busy machine living ones are repeated then."""
    return {
        "max_heartbeat_throttle_interval": timedelta(seconds=BEAT_SECONDS),
        "interceptors": [telemetry.Attempts()],
        "activity_executor": ThreadPoolExecutor(threads, thread_name_prefix="activity"),
        "max_concurrent_activities": threads,
        "graceful_shutdown_timeout": timedelta(seconds=settings.worker_drain),
    }
