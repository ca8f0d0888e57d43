"""The chain verifies when whole, and names what was changed, lost or swapped."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import audit
from domain.errors import Invalid

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TYPES = sorted(audit.TYPES)


def chain(length: int, seller: str = "demo") -> list[audit.Entry]:
    entries: list[audit.Entry] = []
    head = None
    for at in range(length):
        entry = audit.link(
            seller,
            head,
            at=NOW + timedelta(minutes=at),
            type_=TYPES[at % len(TYPES)],
            actor="ana",
            actor_kind="person",
            keys={"invoice": f"invoice-demo-{at}"},
        )
        entries.append(entry)
        head = audit.head_of(entry)
    return entries


def digests(entries: list[audit.Entry]) -> list[str]:
    return [audit.digest(entry) for entry in entries]


@given(st.integers(0, 12))
def test_a_whole_chain_verifies(length):
    entries = chain(length)
    head = audit.head_of(entries[-1]) if entries else None
    assert audit.verify(entries, head, digests(entries)) == []
    assert [entry.seq for entry in entries] == list(range(1, length + 1))


CHANGES = [
    {"actor": "ben"},
    {"actor_kind": "machine"},
    {"at": NOW - timedelta(days=1)},
    {"keys": {}},
    {"type": "note.unheard_of"},
    {"previous": "sha256:00"},
]
OTHER_CONTENT = CHANGES[:-1]


@given(st.integers(1, 9), st.sampled_from(CHANGES))
def test_one_changed_row_is_named(seq, change):
    entries = chain(9)
    stored, head = digests(entries), audit.head_of(entries[-1])
    entries[seq - 1] = replace(entries[seq - 1], **change)
    assert any(f"entry {seq} was changed" in line for line in audit.verify(entries, head, stored))
    without_digests = audit.verify(entries, head)
    assert f"entry {seq} was" in without_digests[0] or f"entry {seq - 1} was changed" in without_digests[0]


@given(st.integers(1, 9))
def test_a_rewritten_row_with_a_fresh_digest_is_still_found(seq):
    entries = chain(9)
    head = audit.head_of(entries[-1])
    entries[seq - 1] = replace(entries[seq - 1], actor="mallory")
    assert f"entry {seq} was changed" in audit.verify(entries, head, digests(entries))[0]


WORDS = st.text(max_size=8)
CONTENT = {
    "seller": WORDS,
    "seq": st.integers(1, 1_000_000),
    "at": st.datetimes(timezones=st.just(UTC)),
    "type": st.sampled_from(TYPES),
    "actor": WORDS,
    "actor_kind": st.sampled_from(sorted(audit.ACTOR_KINDS)),
    "keys": st.dictionaries(WORDS, WORDS, max_size=3),
    "previous": WORDS,
}


@pytest.mark.parametrize("name", [field.name for field in fields(audit.Entry)])
@given(st.data())
def test_the_digest_covers_every_field(name, data):
    """Also one that is added later: it has no values here until somebody says which."""
    entry = audit.Entry(**{each: data.draw(values, each) for each, values in CONTENT.items()})
    other = replace(entry, **{name: data.draw(CONTENT[name], f"another {name}")})
    assert (audit.digest(entry) == audit.digest(other)) == (entry == other)


@given(st.integers(1, 9), st.sampled_from(OTHER_CONTENT))
def test_who_links_the_chain_anew_after_a_change_is_found_by_the_head(seq, change):
    """Every digest hangs on all before it, so that no change comes out at the head that was kept."""
    entries = chain(9)
    head = audit.head_of(entries[-1])
    entries[seq - 1] = replace(entries[seq - 1], **change)
    for at in range(seq, len(entries)):
        entries[at] = replace(entries[at], previous=audit.digest(entries[at - 1]))
    assert "entry 9 was changed, or added after the head at entry 9" in audit.verify(entries, head, digests(entries))


@given(st.sets(st.integers(1, 9), min_size=1, max_size=9))
def test_missing_rows_are_named(gone):
    entries = chain(9)
    head = audit.head_of(entries[-1])
    found = audit.verify([e for e in entries if e.seq not in gone], head)
    first = min(gone)
    last = first
    while last + 1 in gone:
        last += 1
    expected = f"entry {first} is missing" if first == last else f"entries {first} to {last} are missing"
    assert found[0].startswith(expected)


@given(st.permutations(range(6)).filter(lambda order: list(order) != list(range(6))))
def test_another_order_is_found(order):
    entries = chain(6)
    assert audit.verify([entries[at] for at in order], audit.head_of(entries[-1]))


def test_swapped_sequence_numbers_are_found():
    entries = chain(6)
    entries[2], entries[3] = replace(entries[3], seq=3), replace(entries[2], seq=4)
    assert "entry 3 was" in audit.verify(entries)[0]


def test_a_repeated_and_a_foreign_row_are_found():
    entries = chain(3)
    assert audit.verify([*entries, entries[-1]]) == ["entry 3 appears twice"]
    foreign = replace(entries[1], seller="other")
    assert "entry 2 belongs to seller other, not to demo" in audit.verify([entries[0], foreign, entries[2]])


def test_rows_after_the_head_are_found():
    entries = chain(4)
    assert audit.verify(entries, audit.head_of(entries[2]))


def test_an_empty_seller_row_starts_the_chain():
    start = audit.Head(seq=0, digest="")
    entry = audit.link("demo", start, at=NOW, type_="invoice.issued", actor="crm", actor_kind="machine", keys={})
    assert (entry.seq, audit.verify([entry])) == (1, [])


def test_the_digest_is_stable_and_independent_of_timezone_and_key_order():
    entry = audit.Entry(
        seller="demo",
        seq=1,
        at=NOW,
        type="invoice.issued",
        actor="ana",
        actor_kind="person",
        keys={"b": "1", "a": "é"},
        previous="",
    )
    twin = replace(entry, at=NOW.astimezone(timezone(timedelta(hours=2))), keys={"a": "é", "b": "1"})
    assert audit.digest(entry) == audit.digest(twin)
    assert audit.digest(entry) == "sha256:c95cce8e3df76afb541ae9706962030b1ab368ea741eb1cac684ad61ffcab4a3"


@pytest.mark.parametrize(
    ("given_", "path"),
    [
        ({"type_": "invoice.isued"}, "type"),
        ({"actor_kind": "robot"}, "actor_kind"),
        ({"at": NOW.replace(tzinfo=None)}, "at"),
    ],
)
def test_only_closed_lists_and_whole_instants_are_linked(given_, path):
    fields = {
        "at": NOW,
        "type_": "invoice.issued",
        "actor": "ana",
        "actor_kind": "person",
        "keys": {},
        **given_,
    }
    with pytest.raises(Invalid) as error:
        audit.link("demo", None, **fields)
    assert [problem.path for problem in error.value.problems] == [path]


@given(st.text("abé", max_size=3), st.text("abé", max_size=3))
def test_salted_values_differ_by_value_and_salt(one, other):
    salt, second = "s" * 16, "t" * 16
    assert (audit.salted(one, salt) == audit.salted(other, salt)) == (one == other)
    assert audit.salted(one, salt) != audit.salted(one, second)


def test_a_short_salt_is_refused():
    with pytest.raises(Invalid):
        audit.salted("Globex", "short")


@pytest.mark.parametrize(
    ("name", "last", "outcome"),
    [
        ("promise", ("promise.created", None), None),
        ("promise", ("promise.kept", None), "kept"),
        ("promise", (None, None), None),
        ("dispute", ("invoice.disputed", "partly"), None),
        ("dispute", ("dispute.resolved", "partly"), "partly"),
        ("plan", ("plan.accelerated", None), "accelerated"),
        ("subject", ("invoice.rejected", None), "rejected"),
        ("subject", ("refund.rejected", None), "rejected"),
    ],
)
def test_the_last_entry_about_it_says_how_it_stands(name, last, outcome):
    assert audit.ended(name, *last) == outcome


def test_what_ends_is_told_by_types_that_exist():
    assert {type_ for types in audit.ENDS.values() for type_ in types} <= audit.TYPES
