"""The logos that a seed names: files beside it, looked at before anything is stored. Afterwards each is known by the
key of its content."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from adapters.books.seed_models import Seller
from adapters.documents import logo
from domain.errors import Problem


def with_logos(
    sellers: dict[str, Seller], beside: Path, problems: list[Problem]
) -> tuple[dict[str, Seller], dict[str, bytes]]:
    """The sellers with the key of their logo instead of its name, and the content by key."""
    found, files = dict(sellers), {}
    for key, seller in sellers.items():
        if seller.brand is None or seller.brand.logo is None:
            continue
        data, fault = _read(beside.parent / seller.brand.logo)
        if fault:
            problems.append(Problem(f"sellers.{key}.brand.logo", fault))
            continue
        name = f"sha256:{sha256(data).hexdigest()}"
        files[name] = data
        found[key] = seller.model_copy(update={"brand": seller.brand.model_copy(update={"logo": name})})
    return found, files


def suffix_of(data: bytes) -> str:
    """The archive's word for the kind of picture."""
    if logo.is_svg(data):
        return "svg"
    return "png" if data.startswith(b"\x89PNG") else "jpeg"


def _read(path: Path) -> tuple[bytes, str]:
    """The content, or why it cannot be a logo."""
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= logo.MOST_BYTES else b""
    except OSError as error:
        return b"", f"{path.name} cannot be read: {error.strerror}"
    if size > logo.MOST_BYTES:
        return b"", f"is {size:,} bytes; at most {logo.MOST_BYTES:,} are allowed"
    return data, logo.logo_problem(data) or ""
