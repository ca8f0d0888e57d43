"""Settings: names, defaults, one-line problems, secrets that stay secret, and a runbook that names each."""

from __future__ import annotations

import os
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import ValidationError

import settings
from adapters import setting_values
from domain.errors import Invalid
from settings import Settings

RUNBOOK = Path(__file__).parent.parent / "docs" / "runbook.md"
CONTRACT = """
    DUELY_DATABASE_URL DUELY_ARCHIVE DUELY_OUTBOX DUELY_MAIL DUELY_PAYMENT DUELY_PUBLIC_URL DUELY_SECRET
    DUELY_GATEWAY_PORT DUELY_UI_PORT DUELY_TEMPORAL_PORT STRIPE_API_KEY STRIPE_WEBHOOK_SECRET STRIPE_API_BASE
    SENDGRID_API_KEY SENDGRID_HOST SENDGRID_WEBHOOK_PUBLIC_KEY SMTP_URL
""".split()


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("DUELY_", "STRIPE_", "SENDGRID_", "SMTP_", "OTEL_")):
            monkeypatch.delenv(name)


def test_every_name_of_the_contract_is_a_setting() -> None:
    names = {settings.variable(field) for field in Settings.model_fields}
    assert set(CONTRACT) - names == set()
    assert names - set(CONTRACT) == {
        *("DUELY_VAR", "DUELY_WORKER_DRAIN", "DUELY_SEAL", "DUELY_SEAL_PASSPHRASE"),
        *("DUELY_LOG", "DUELY_METRICS_PORT", "DUELY_METRICS_HOST", "DUELY_METRICS_KEY", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        *("DUELY_INBOX", "DUELY_INBOUND_KEY", "DUELY_CODEC_KEYS", "DUELY_UI_ORIGIN"),
        *("DUELY_TRUSTED_PROXIES",),
        *("DUELY_WORKER_SERVES", "DUELY_MAIL_PER_SECOND", "DUELY_DOCUMENTS_AT_ONCE"),
    }


def test_every_setting_is_described_and_stands_in_the_runbook() -> None:
    runbook = RUNBOOK.read_text(encoding="utf-8")
    for field, info in Settings.model_fields.items():
        assert info.description, field
        assert re.search(rf"\b{settings.variable(field)}\b", runbook), f"{settings.variable(field)} is undocumented"


def test_defaults_lie_under_var_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = settings.load()
    monkeypatch.chdir("/")
    assert found.var == tmp_path / "var"
    assert found.archive == tmp_path / "var" / "archive"
    assert found.outbox == tmp_path / "var" / "outbox"
    assert found.inbox == tmp_path / "var" / "inbox"
    assert found.database_url.get_secret_value() == f"sqlite:///{tmp_path}/var/duely.db"
    assert (found.mail, found.payment, found.public_url) == ("outbox", "bank", "http://127.0.0.1:8080")
    assert list(tmp_path.iterdir()) == [], "reading settings writes nothing"


def test_one_variable_moves_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUELY_VAR", "elsewhere")
    monkeypatch.setenv("DUELY_GATEWAY_PORT", "9000")
    monkeypatch.setenv("DUELY_OUTBOX", "mails")
    found = settings.load()
    assert found.archive == tmp_path / "elsewhere" / "archive"
    assert found.outbox == tmp_path / "mails"
    assert found.public_url == "http://127.0.0.1:9000"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgres_urls_name_the_driver_we_ship(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setenv("DUELY_DATABASE_URL", f"{scheme}://duely:pw@db/duely")
    assert settings.load().database_url.get_secret_value() == "postgresql+psycopg://duely:pw@db/duely"


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        (
            "DUELY_MAIL",
            "sendgrid",
            "DUELY_MAIL=sendgrid needs SENDGRID_API_KEY, one with the right to send mail",
        ),
        ("DUELY_PAYMENT", "stripe", "DUELY_PAYMENT=stripe needs STRIPE_API_KEY, as in sk_test_… or rk_live_…"),
        ("DUELY_PAYMENT", "paypal", "DUELY_PAYMENT: Input should be 'bank' or 'stripe'"),
        ("STRIPE_API_BASE", "localhost", "STRIPE_API_BASE: use the form https://HOST"),
        ("DUELY_MAIL", "pigeon", "DUELY_MAIL: Input should be 'outbox', 'smtp' or 'sendgrid'"),
        ("DUELY_MAIL", "smtp", "DUELY_MAIL=smtp needs SMTP_URL, as in smtp://USER:PASSWORD@HOST:PORT"),
        ("DUELY_GATEWAY_PORT", "0", "DUELY_GATEWAY_PORT: Input should be greater than or equal to 1"),
        (
            "DUELY_SECRET",
            "short",
            "DUELY_SECRET: needs at least 32 characters; leave it out to have one made",
        ),
        (
            "DUELY_INBOUND_KEY",
            "short",
            "DUELY_INBOUND_KEY: needs at least 32 characters, as `openssl rand -hex 32` makes",
        ),
        ("DUELY_PUBLIC_URL", "example.org", "DUELY_PUBLIC_URL: use the form https://HOST"),
        ("SENDGRID_HOST", "api.eu.sendgrid.com", "SENDGRID_HOST: use the form https://HOST"),
        ("SMTP_URL", "mail:25", "SMTP_URL: use the form smtp://USER:PASSWORD@HOST:PORT"),
        ("SMTP_URL", "smtp://host:99999", "SMTP_URL: use the form smtp://USER:PASSWORD@HOST:PORT"),
        (
            "DUELY_WORKER_SERVES",
            "mail,letters",
            "DUELY_WORKER_SERVES: use a list of workflow, mail, documents, as in mail,documents",
        ),
        *(
            (
                "DUELY_TRUSTED_PROXIES",
                wrong,
                "DUELY_TRUSTED_PROXIES: use addresses or networks with commas, as in 127.0.0.1,172.16.0.0/12",
            )
            for wrong in ("*", "proxy", "10.0.0.0/33", "10.0.0.1/8", "127.0.0.1:80")
        ),
        ("DUELY_ARCHVE", "x", "DUELY_ARCHVE: no such setting; did you mean DUELY_ARCHIVE?"),
        (
            "DUELY_DATABASE_URL",
            "mysql://root:hunter2@db/duely",
            "DUELY_DATABASE_URL: use sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME",
        ),
    ],
)
def test_a_problem_is_one_line_with_the_variable_and_the_fix(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, line: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(Invalid) as raised:
        settings.load()
    assert str(raised.value) == line


def test_queues_are_split_by_a_list_of_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.load().served() == (), "one queue, unless somebody asks"
    monkeypatch.setenv("DUELY_WORKER_SERVES", " mail, workflow,mail")
    assert settings.load().served() == ("workflow", "mail")


@pytest.mark.parametrize(("name", "value"), [("DUELY_MAIL_PER_SECOND", "2.5"), ("DUELY_DOCUMENTS_AT_ONCE", "4")])
def test_a_rate_needs_a_queue_of_its_own(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(Invalid, match=f"{name} needs DUELY_WORKER_SERVES"):
        settings.load()
    monkeypatch.setenv("DUELY_WORKER_SERVES", "workflow")
    found = settings.load()
    assert value in (str(found.mail_per_second), str(found.documents_at_once))


def test_all_problems_come_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUELY_MAIL", "pigeon")
    monkeypatch.setenv("DUELY_UI_PORT", "many")
    monkeypatch.setenv("DUELY_SECRETS", "x")
    with pytest.raises(Invalid) as raised:
        settings.load()
    assert [problem.path for problem in raised.value.problems] == [
        "DUELY_SECRETS",
        "DUELY_MAIL",
        "DUELY_UI_PORT",
    ]


def test_empty_variables_count_as_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTP_URL", "")
    monkeypatch.setenv("DUELY_MAIL", "")
    assert settings.load().smtp_url is None


def test_secrets_show_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "DUELY_DATABASE_URL": "postgresql://duely:hunter2@db/duely",
        "SMTP_URL": "smtp://duely:hunter2@mail",
        "DUELY_SECRET": "hunter2" * 5,
        "STRIPE_API_KEY": "hunter2",
    }.items():
        monkeypatch.setenv(name, value)
    found = settings.load()
    assert "hunter2" not in repr(found) + str(found.model_dump()) + found.model_dump_json()


def test_settings_are_frozen_and_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    settings.current.cache_clear()
    found = settings.current()
    monkeypatch.setenv("DUELY_UI_PORT", "9999")
    assert settings.current() is found
    with pytest.raises(ValidationError, match="frozen"):
        found.ui_port = 1  # type: ignore[misc]
    settings.current.cache_clear()


def test_the_secret_is_made_once_private_and_the_same_for_all(tmp_path: Path) -> None:
    found = settings.load()
    with ThreadPoolExecutor(16) as pool:
        made = {s.get_secret_value() for s in pool.map(lambda _: found.signing_secret(), range(64))}
    assert len(made) == 1
    assert len(made.pop()) >= setting_values.MIN_SECRET
    assert stat.S_IMODE((tmp_path / "var" / "secret").stat().st_mode) == 0o600
    assert [file.name for file in (tmp_path / "var").iterdir()] == ["secret"]


def test_a_given_secret_wins_and_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUELY_SECRET", "s" * 40)
    assert settings.load().signing_secret().get_secret_value() == "s" * 40
    assert not (tmp_path / "var").exists()


def test_the_seal_is_off_our_own_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.load().seal == "off"
    monkeypatch.setenv("DUELY_SEAL", "own")
    assert settings.load().seal == "own"
    monkeypatch.setenv("DUELY_SEAL", "key.p12")
    with pytest.raises(Invalid, match=r"DUELY_SEAL: use off, own, or the path of a .p12 file that exists"):
        settings.load()
    (tmp_path / "key.p12").write_bytes(b"")
    monkeypatch.setenv("DUELY_SEAL_PASSPHRASE", "open sesame")
    found = settings.load()
    assert found.seal == str(tmp_path / "key.p12")
    assert "sesame" not in repr(found)
    monkeypatch.setenv("DUELY_SEAL", "own")
    with pytest.raises(Invalid, match=r"DUELY_SEAL_PASSPHRASE opens a .p12 of yours"):
        settings.load()
