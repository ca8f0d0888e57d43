"""What the value of a setting must look like, and the file that it may name; `settings.py` says which setting needs
what. A bad one raises ValueError with the fix, never with the value: it may be a secret."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from domain import keyring, queues
from domain.errors import Invalid

MIN_SECRET = 32


def long_enough(otherwise: str) -> Callable[[SecretStr], SecretStr]:
    """MIN_SECRET characters or more. `otherwise` goes on after "needs at least 32 characters"."""

    def checked(value: SecretStr) -> SecretStr:
        if len(value.get_secret_value()) < MIN_SECRET:
            raise ValueError(f"needs at least {MIN_SECRET} characters{otherwise}")
        return value

    return checked


def database(value: SecretStr) -> SecretStr:
    """SQLAlchemy's form. `postgres://` and `postgresql://` mean the one driver we ship, psycopg."""
    url = value.get_secret_value()
    scheme, separator, rest = url.partition("://")
    if scheme in ("postgres", "postgresql"):
        return SecretStr(f"postgresql+psycopg://{rest}")
    if url and (not separator or scheme not in ("sqlite", "postgresql+psycopg")):
        raise ValueError("use sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME")
    return value


def mail_server(value: SecretStr) -> SecretStr:
    _require_url(value.get_secret_value(), ("smtp", "smtps"), "smtp://USER:PASSWORD@HOST:PORT")
    return value


def web_address(value: str) -> str:
    if value:
        _require_url(value, ("http", "https"), "https://HOST")
    return value.rstrip("/")


def whole_ring(value: SecretStr) -> SecretStr:
    """A path is read here, once: what is kept are the keys themselves."""
    text = value.get_secret_value()
    try:
        text = Path(text).read_text("ascii") if text.startswith(("/", "./")) else text
        keyring.ring(text, "")
    except (OSError, UnicodeDecodeError):
        raise ValueError("the file that it names cannot be read") from None
    except Invalid as error:
        raise ValueError(error.problems[0].message) from None
    return SecretStr(text)


def seal_key(value: str) -> str:
    if value in ("off", "own"):
        return value
    if not Path(value).is_file():
        raise ValueError("use off, own, or the path of a .p12 file that exists")
    return str(Path(value).absolute())


def kinds_of_work(value: str) -> str:
    """The kinds named, in one order, each once; nothing stays nothing."""
    named = {each.strip() for each in value.split(",") if each.strip()}
    if not named <= set(queues.KINDS):
        raise ValueError(f"use a list of {', '.join(queues.KINDS)}, as in mail,documents")
    return ",".join(kind for kind in queues.KINDS if kind in named)


def networks(value: str) -> str:
    """Addresses and networks, each once. No `*`: whoever believes everybody lets the sender choose who it is."""
    named = [each.strip() for each in value.split(",") if each.strip()]
    try:
        return ",".join(dict.fromkeys(str(ip_network(each) if "/" in each else ip_address(each)) for each in named))
    except ValueError:
        raise ValueError("use addresses or networks with commas, as in 127.0.0.1,172.16.0.0/12") from None


def _require_url(url: str, schemes: Sequence[str], example: str) -> None:
    try:
        parts = urlsplit(url)
        valid = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise ValueError(f"use the form {example}")
