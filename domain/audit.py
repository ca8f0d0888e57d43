"""The audit chain of one seller: what happened, in which order, and proof that no row was changed, lost or
swapped.

Each entry carries the digest of the one before it. It holds keys and hashes only: a name, an address, a text
or a claim that names a person goes to a side table and is referenced by `salted`, so erasing it leaves the
chain whole. It never orders by time: the sequence is the order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from domain.errors import Invalid, Problem
from domain.keys import digest as content_hash
from domain.keys import salted_hash

TYPES = frozenset(
    f"{group}.{event}"
    for group, events in {
        "invoice": "received malformed drafted awaiting_approval approved rejected amended scheduled issued"
        " adopted delivering sent delivered viewed withheld disputed extended held released planned assigned"
        " noted cancelled escalated handed_over closed reopened",
        "approval": "requested asked given refused granted voided exhausted",
        "credit": "requested approved rejected issued",
        "write_off": "requested approved rejected posted recovered",
        "refund": "requested approved rejected claimed paid failed unexplained",
        "cancel": "requested approved rejected",
        "extend": "requested approved rejected",
        "pay": "requested approved rejected",
        "resolve": "requested approved rejected",
        "dispute": "resolved assigned reminded escalated",
        "plan": "requested agreed replaced missed kept accelerated ended",
        "reply": "received",
        "contact": "requested changed",
        "link": "used refused revoked",
        "sheet": "sent",
        "judgement": "given",
        "promise": "created kept broken replaced",
        "payment": "initiated pending failed expired received identified allocated unallocated returned charged_back"
        " won fee_charged paid_out explained dismissed",
        "discount": "granted forfeited",
        "charge": "added waived",
        "message": "held released skipped claimed sent would_send withheld moved unclaimed unknown refused"
        " resent delivered bounced spam_reported",
        "prepayment": "taxed",
        "document": "stored",
        "command": "refused malformed",
        "exception": "opened assigned settled",
        "stop": "set lifted",
        "customer": "created changed held released noted erased",
        "seller": "created changed noted",
        "policy": "created changed",
        "person": "created changed deactivated absent returned",
        "key": "added revoked",
        "period": "locked unlocked",
        "source": "read",
        "bank_file": "received booked refused",
        "bank_line": "booked unclear ignored",
        "archive": "held released read",
    }.items()
    for event in events.split()
)
"""The closed list. `invoice.sent`: the document left; reminders and internal mails are `message.sent`."""

SAID = "said"
"""The entry's own key `outcome` says which."""
ENDS: dict[str, dict[str, str | None]] = {
    "dispute": {"invoice.disputed": None, "dispute.resolved": SAID},
    "promise": {"promise.created": None, **{f"promise.{end}": end for end in ("kept", "broken", "replaced")}},
    "plan": {"plan.agreed": None, **{f"plan.{end}": end for end in ("kept", "accelerated", "replaced", "ended")}},
    "subject": {"approval.requested": None, "approval.granted": "granted", "approval.voided": "void"}
    | {type_: "rejected" for type_ in sorted(TYPES) if type_.endswith(".rejected")},
}
"""What ends one day, by the key that names it in the chain -> the entries about it, each with the outcome that it
tells; None while it is open. A draft that is asked about again is the same subject, open anew."""

ACTOR_KINDS = frozenset({"person", "machine", "customer"})
START = ""
"""What the first entry of a seller continues."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """`seq` counts from 1 per seller; `at` is aware, to the microsecond; `actor` a key, or `salted` for a
    claim."""

    seller: str
    seq: int
    at: datetime
    type: str
    actor: str
    actor_kind: str  # person | machine | customer
    keys: dict[str, str]
    previous: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Where a seller's chain ends. Kept beside the chain, it proves that nothing was cut off or changed at
    the end."""

    seq: int
    digest: str


def digest(entry: Entry) -> str:
    """`sha256:<hex>` of the entry as canonical JSON (`keys.canonical`), its instant in UTC with
    microseconds."""
    content = {
        "seller": entry.seller,
        "seq": entry.seq,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "type": entry.type,
        "actor": entry.actor,
        "actor_kind": entry.actor_kind,
        "keys": entry.keys,
        "previous": entry.previous,
    }
    return content_hash("duely/audit/1", content)


def head_of(entry: Entry) -> Head:
    return Head(seq=entry.seq, digest=digest(entry))


def link(
    seller: str,
    head: Head | None,
    *,
    at: datetime,
    type_: str,
    actor: str,
    actor_kind: str,
    keys: Mapping[str, str],
) -> Entry:
    """The entry that continues the chain after `head` (None: the seller's first). Raises `Invalid` for a type
    or actor kind outside the closed lists, or a naive instant."""
    problems = []
    if type_ not in TYPES:
        problems.append(Problem("type", f"{type_!r} is not an audit type; add it to domain/audit.py TYPES"))
    if actor_kind not in ACTOR_KINDS:
        problems.append(Problem("actor_kind", f"{actor_kind!r} must be one of {', '.join(sorted(ACTOR_KINDS))}"))
    if at.tzinfo is None:
        problems.append(Problem("at", "needs a timezone"))
    if problems:
        raise Invalid(problems)
    return Entry(
        seller=seller,
        seq=head.seq + 1 if head else 1,
        at=at,
        type=type_,
        actor=actor,
        actor_kind=actor_kind,
        keys=dict(keys),
        previous=head.digest if head else START,
    )


def verify(entries: Iterable[Entry], head: Head | None = None, digests: Iterable[str] | None = None) -> list[str]:
    """What is wrong with one seller's chain, first finding first; empty when it is whole.

    `entries` in sequence order, read once as a stream. `digests`: those stored with the entries, in the same
    order; they tell which of two entries was changed. Without `head` a cut at the end cannot be seen, nor,
    without `digests`, a change to the last entry.
    """
    found: list[str] = []
    seller: str | None = None
    end = Head(seq=0, digest=START)
    stored = iter(digests) if digests is not None else None
    for entry in entries:
        seller = seller or entry.seller
        if entry.seller != seller:
            found.append(f"entry {entry.seq} belongs to seller {entry.seller}, not to {seller}")
        if entry.type not in TYPES or entry.actor_kind not in ACTOR_KINDS:
            found.append(f"entry {entry.seq} was changed: {entry.type!r} by {entry.actor_kind!r} is never written")
        found += _step(end, entry)
        own = digest(entry)
        kept = next(stored, "") if stored is not None else own
        if kept != own:
            found.append(f"entry {entry.seq} was changed: its content does not give its digest")
        end = Head(seq=entry.seq, digest=kept)
    if head is not None and head.seq > end.seq:
        found.append(f"{_range(end.seq + 1, head.seq)} missing at the end")
    elif head is not None and head != end:
        found.append(f"entry {end.seq} was changed, or added after the head at entry {head.seq}")
    return found


def _step(end: Head, entry: Entry) -> list[str]:
    expected = end.seq + 1
    if entry.seq > expected:
        return [f"{_range(expected, entry.seq - 1)} missing"]
    if entry.seq == end.seq:
        return [f"entry {entry.seq} appears twice"]
    if entry.seq < expected:
        return [f"entry {entry.seq} stands after entry {end.seq}: reordered"]
    if entry.previous == end.digest:
        return []
    if end.seq == 0:
        return [f"entry {entry.seq} was changed: it is the first and must continue nothing"]
    return [f"entry {end.seq} was changed, or entry {entry.seq} was: {entry.seq} does not continue {end.seq}"]


def _range(first: int, last: int) -> str:
    return f"entry {first} is" if first == last else f"entries {first} to {last} are"


def ended(name: str, type_: str | None, said: str | None) -> str | None:
    """How what `ENDS` calls `name` stands after the last entry about it; `said` is that entry's key `outcome`."""
    outcome = ENDS[name].get(type_ or "")
    return said if outcome == SAID else outcome


def salted(value: str, salt: str) -> str:
    """`sha256:<hex>` that stands for `value` in the chain (HMAC-SHA-256). Throwing the salt away with the
    side row makes the value unrecoverable; `salt` needs at least 16 characters."""
    if len(salt) < 16:
        raise Invalid.at("salt", "needs at least 16 characters, or a short value can be guessed")
    return salted_hash(salt, value)
