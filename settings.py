"""Every setting, typed, read once. The only place that reads `DUELY_*` and the providers' keys.

Never connects to anything and never reads `TEMPORAL_*`: those belong to the SDK's own environment
configuration (`workers/connect.py`). Problems come as one readable line that names the variable and the fix.
"""

from __future__ import annotations

import difflib
import functools
import os
import secrets
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from adapters import setting_values as values
from adapters.files import write_once
from domain import keyring
from domain.errors import Invalid, Problem

PREFIX = "DUELY_"
# Test suites and CI keep their own switches under this prefix; they are no settings of the product.
TEST_PREFIX = "DUELY_TEST_"

HARD_TO_GUESS = ", as `openssl rand -hex 32` makes"

WebAddress = Annotated[str, AfterValidator(values.web_address)]
Port = Annotated[int, Field(ge=1, le=65535)]


class Settings(BaseSettings):
    """What an operator may set. Paths are absolute; a secret, or a URL that may hold one, is a SecretStr."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
        populate_by_name=True,
        validate_default=True,
        hide_input_in_errors=True,
    )

    var: Path = Field(
        default=Path("var"), description="Folder of everything Duely writes; relative to the current folder."
    )
    database_url: Annotated[SecretStr, AfterValidator(values.database)] = Field(
        default=SecretStr(""),
        description="The books: sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME. "
        "Default: duely.db in DUELY_VAR.",
    )
    archive: Path = Field(
        default=Path(),
        description="Folder of issued documents, named by their hash. Default: archive in DUELY_VAR.",
    )
    outbox: Path = Field(
        default=Path(),
        description="Folder of .eml files when DUELY_MAIL=outbox. Default: outbox in DUELY_VAR.",
    )
    inbox: Path = Field(
        default=Path(),
        description="Folder whose .eml files the gateway takes as replies. Default: inbox in DUELY_VAR.",
    )
    inbound_key: Annotated[SecretStr, AfterValidator(values.long_enough(HARD_TO_GUESS))] | None = Field(
        default=None,
        description="In the address of /webhooks/inbound, 32 characters or more; whoever knows it hands in mails.",
    )
    mail: Literal["outbox", "smtp", "sendgrid"] = Field(
        default="outbox",
        description="How messages leave: outbox writes files, smtp sends through SMTP_URL, sendgrid through its API.",
    )
    payment: Literal["bank", "stripe"] = Field(
        default="bank", description="How customers pay: bank transfer only, or also through Stripe (STRIPE_API_KEY)."
    )
    public_url: WebAddress = Field(
        default="",
        description="The gateway's address as customers see it. Default: 127.0.0.1, DUELY_GATEWAY_PORT.",
    )
    secret: Annotated[SecretStr, AfterValidator(values.long_enough("; leave it out to have one made"))] | None = Field(
        default=None,
        description="Signs links, 32 characters or more. Default: made at first use, kept in DUELY_VAR.",
    )
    seal: Annotated[str, AfterValidator(values.seal_key)] = Field(
        default="off",
        description="Whose key seals PDFs: off, own (made at first use, kept in DUELY_VAR), or the path of a .p12.",
    )
    seal_passphrase: SecretStr | None = Field(default=None, description="Opens the .p12 that DUELY_SEAL names.")
    codec_keys: Annotated[SecretStr, AfterValidator(values.whole_ring)] | None = Field(
        default=None,
        description="Encrypts what Temporal keeps: what `duely codec key` prints, newest first; or the path of a file.",
    )
    ui_origin: WebAddress = Field(
        default="",
        description="The Temporal Web UI's address, which may ask the codec server. Default: this host, DUELY_UI_PORT.",
    )
    gateway_port: Port = Field(default=8080, description="Port of the gateway, on loopback.")
    trusted_proxies: Annotated[str, AfterValidator(values.networks)] = Field(
        default="127.0.0.1,::1",
        description="Addresses or networks, with commas, of the proxies in front of the gateway: it believes them who "
        "asks (X-Forwarded-For) and how (X-Forwarded-Proto).",
    )
    ui_port: Port = Field(default=8233, description="Port of the embedded server's Web UI, on loopback.")
    temporal_port: Port = Field(default=7233, description="Port of the embedded Temporal server, on loopback.")
    log: Literal["text", "json"] = Field(
        default="text", description="Form of the log: text for people, json for a machine, with a line a step as well."
    )
    metrics_port: Port | None = Field(
        default=None,
        description="Port of the worker's own metrics, of the SDK and of its mails. Default: none are served.",
    )
    metrics_host: Literal["127.0.0.1", "0.0.0.0"] = Field(  # noqa: S104 what a container needs
        default="127.0.0.1", description="Address of these metrics: 127.0.0.1, or 0.0.0.0 inside a container."
    )
    metrics_key: Annotated[SecretStr, AfterValidator(values.long_enough(HARD_TO_GUESS))] | None = Field(
        default=None,
        description="32 characters or more: whoever watches shows it at the gateway's /metrics, as a bearer token, "
        "and sees amounts. Without it they are shown as long as DUELY_PUBLIC_URL is not set.",
    )
    traces: WebAddress | None = Field(
        default=None,
        validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT",
        description="Where traces go, by OTLP over HTTP, as http://127.0.0.1:4318. Default: none are made.",
    )
    worker_drain: Annotated[int, Field(ge=1, le=600)] = Field(
        default=20, description="Seconds a stopping worker gives running activities to finish."
    )
    worker_serves: Annotated[str, AfterValidator(values.kinds_of_work)] = Field(
        default="",
        description="Splits the task queue by kind; of workflow, mail and documents those that this worker serves, "
        "with commas. Default: all work, from one queue.",
    )
    mail_per_second: Annotated[float, Field(gt=0, le=10_000)] | None = Field(
        default=None,
        description="Messages a second, of all workers, that leave the queue of mails, and as many that of documents. "
        "Default: no limit.",
    )
    documents_at_once: Annotated[int, Field(ge=1, le=256)] | None = Field(
        default=None, description="Documents that a worker renders at a time. Default: as many as it has cores."
    )
    stripe_api_key: SecretStr | None = Field(
        default=None, validation_alias="STRIPE_API_KEY", description="Stripe's secret key."
    )
    stripe_webhook_secret: SecretStr | None = Field(
        default=None,
        validation_alias="STRIPE_WEBHOOK_SECRET",
        description="Signing secret of Stripe's webhook.",
    )
    stripe_api_base: WebAddress | None = Field(
        default=None,
        validation_alias="STRIPE_API_BASE",
        description="Another address for Stripe's API, for tests.",
    )
    sendgrid_api_key: SecretStr | None = Field(
        default=None, validation_alias="SENDGRID_API_KEY", description="SendGrid's API key."
    )
    sendgrid_host: WebAddress | None = Field(
        default=None,
        validation_alias="SENDGRID_HOST",
        description="Another address for SendGrid's API, as https://api.eu.sendgrid.com.",
    )
    sendgrid_webhook_public_key: SecretStr | None = Field(
        default=None,
        validation_alias="SENDGRID_WEBHOOK_PUBLIC_KEY",
        description="Public key of SendGrid's signed event webhook.",
    )
    smtp_url: Annotated[SecretStr, AfterValidator(values.mail_server)] | None = Field(
        default=None,
        validation_alias="SMTP_URL",
        description="smtp://USER:PASSWORD@HOST:PORT with STARTTLS (587), or smtps:// with TLS from the start (465).",
    )

    @model_validator(mode="after")
    def _fill_in(self) -> Self:
        var = self.var.absolute()
        derived: dict[str, object] = {
            "var": var,
            "archive": (var / "archive") if self.archive == Path() else self.archive.absolute(),
            "outbox": (var / "outbox") if self.outbox == Path() else self.outbox.absolute(),
            "inbox": (var / "inbox") if self.inbox == Path() else self.inbox.absolute(),
            "public_url": self.public_url or f"http://127.0.0.1:{self.gateway_port}",
        }
        if not self.database_url.get_secret_value():
            derived["database_url"] = SecretStr(f"sqlite:///{var / 'duely.db'}")
        # The model is frozen for everybody else; here it is still being made.
        self.__dict__.update(derived)
        return self

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        """One setting that needs another."""
        if self.mail == "smtp" and self.smtp_url is None:
            raise ValueError("DUELY_MAIL=smtp needs SMTP_URL, as in smtp://USER:PASSWORD@HOST:PORT")
        if self.mail == "sendgrid" and self.sendgrid_api_key is None:
            raise ValueError("DUELY_MAIL=sendgrid needs SENDGRID_API_KEY, one with the right to send mail")
        if self.payment == "stripe" and self.stripe_api_key is None:
            raise ValueError("DUELY_PAYMENT=stripe needs STRIPE_API_KEY, as in sk_test_… or rk_live_…")
        if self.seal_passphrase is not None and self.seal in ("off", "own"):
            raise ValueError("DUELY_SEAL_PASSPHRASE opens a .p12 of yours: set DUELY_SEAL to its path")
        for field in ("mail_per_second", "documents_at_once"):
            if getattr(self, field) is not None and not self.worker_serves:
                raise ValueError(f"{variable(field)} needs DUELY_WORKER_SERVES: on one queue nothing can be held back")
        return self

    def served(self) -> tuple[str, ...]:
        """The kinds of work of DUELY_WORKER_SERVES; none: all work comes from one queue."""
        return tuple(self.worker_serves.split(",")) if self.worker_serves else ()

    def signing_secret(self) -> SecretStr:
        """DUELY_SECRET, or the one kept in `var/secret` (mode 0600), made at first use.

        Processes that start together agree: the first to link its file wins, the others read it.
        """
        if self.secret is not None:
            return self.secret
        path = self.var / "secret"
        if not path.exists():
            write_once(path, f"{secrets.token_urlsafe(values.MIN_SECRET)}\n".encode())
        return SecretStr(path.read_text(encoding="ascii").strip())

    def codec_ring(self) -> keyring.Ring:
        """The keys of DUELY_CODEC_KEYS; the empty ring writes in clear."""
        if self.codec_keys is None:
            return keyring.EMPTY
        return keyring.ring(self.codec_keys.get_secret_value(), variable("codec_keys"))


def variable(field: str) -> str:
    """The environment variable of a setting: `variable("mail") == "DUELY_MAIL"`."""
    alias = Settings.model_fields[field].validation_alias
    return alias if isinstance(alias, str) else PREFIX + field.upper()


def load() -> Settings:
    """Read the environment now. Raises Invalid, whose text is one line naming each variable and its fix."""
    problems = _unknown_variables()
    try:
        settings = Settings()
    except ValidationError as error:
        problems += [_problem(detail) for detail in error.errors(include_url=False, include_input=False)]
        raise Invalid(problems) from None
    if problems:
        raise Invalid(problems)
    return settings


@functools.cache
def current() -> Settings:
    """The settings of this process, read once."""
    return load()


def _unknown_variables() -> list[Problem]:
    """A misspelt variable would be ignored in silence, and a setting someone relies on would not hold."""
    known = [variable(field) for field in Settings.model_fields]
    problems = []
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and not name.startswith(TEST_PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, 1)
            problems.append(Problem(name, f"no such setting{f'; did you mean {near[0]}?' if near else ''}"))
    return problems


def _problem(detail: ErrorDetails) -> Problem:
    fields = {name: variable(name) for name in Settings.model_fields}
    location = str(detail["loc"][0]) if detail["loc"] else ""
    message = detail["msg"].removeprefix("Value error, ")
    return Problem(fields.get(location, location), message)
