"""The drop folder: each `.eml` that somebody puts there is booked as a reply and moved to `taken/`, or to `refused/`
with the reason in one line beside it. What cannot be booked now stays for the next round. Several gateways may watch
one folder: a mail is booked once, whoever takes it. Files are to be renamed into the folder when they are complete."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from adapters.mail.incoming import MOST_BYTES
from domain.errors import DuelyError, Invalid, Unavailable
from gateway.house import House
from gateway.inbound import take

EVERY_SECONDS = 2.0
TAKEN, REFUSED = "taken", "refused"
_log = logging.getLogger("duely.inbox")


@asynccontextmanager
async def watching(house: House, every: float = EVERY_SECONDS) -> AsyncIterator[None]:
    """While the block runs, `DUELY_INBOX` is looked through every so many seconds."""
    task = asyncio.create_task(_watch(house, every))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _watch(house: House, every: float) -> None:
    while True:
        try:
            await look_through(house)
        except (OSError, Unavailable) as error:
            _log.warning("inbox: %s; it is tried again", error)
        await asyncio.sleep(every)


async def look_through(house: House) -> None:
    """One round, the oldest name first. Unavailable when the rest has to wait."""
    for path in await asyncio.to_thread(_waiting, house.settings.inbox):
        try:
            raw = await asyncio.to_thread(_read, path)
            await take(house, raw)
        except FileNotFoundError:
            continue  # another gateway was faster
        except Unavailable:
            raise
        except DuelyError as error:
            await asyncio.to_thread(_put_aside, path, REFUSED, str(error))
        except Exception as error:  # noqa: BLE001 - a mail that breaks the reader must not hold up all others
            _log.exception("inbox: a mail could not be read")
            await asyncio.to_thread(_put_aside, path, REFUSED, f"a defect: {type(error).__name__}; see the log")
        else:
            await asyncio.to_thread(_put_aside, path, TAKEN)


def _waiting(folder: Path) -> list[Path]:
    for each in (folder, folder / TAKEN, folder / REFUSED):
        each.mkdir(parents=True, exist_ok=True)
    found = (path for path in folder.glob("*.eml") if not path.name.startswith("."))
    return sorted(path for path in found if path.is_file() and not path.is_symlink())


def _read(path: Path) -> bytes:
    if path.stat().st_size > MOST_BYTES:
        raise Invalid.at("", f"is larger than {MOST_BYTES >> 20} MiB")
    return path.read_bytes()


def _put_aside(path: Path, where: str, reason: str = "") -> None:
    target = path.parent / where / path.name
    if reason:
        target.with_suffix(".txt").write_text(f"{reason}\n", encoding="utf-8")
    with contextlib.suppress(FileNotFoundError):
        path.replace(target)
