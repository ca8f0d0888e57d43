#!/usr/bin/env python3
"""Checks an export of Duely without Duely: Python 3.8 or later, nothing but its standard library, no network.

    python3 verify.py [FOLDER] [--with OTHER]

FOLDER is the unpacked export, by default where this file lies. OTHER is another unpacked export of the same seller:
what both say of the audit chain is compared, which shows links that were rewritten together. One line a check; exit 1
when anything is wrong. It changes nothing.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import re
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Check = Callable[[Path, list[str]], str]

LIST = "SHA256SUMS"
LINE = re.compile(r"([0-9a-f]{64})  ([^\x00-\x1f\x7f\\]+)")
SUMS = {
    "issue": ("total", 1), "charge": ("charges", 1), "allocate": ("paid", -1), "unallocate": ("paid", -1),
    "credit": ("credited", -1), "discount": ("discounted", -1), "write_off": ("written_off", -1),
    "recover": ("written_off", -1), "withheld": ("withheld", -1),
}  # fmt: skip
"""Kind of posting on the account `receivable` -> the amount it adds to, and its sign there."""
EVENTS = ("invoice.issued", "invoice.adopted")
FORMULAS = ("'=", "'+", "'-", "'@", "'\t", "'\r")
AMOUNTS = {
    "disputes": ("invoice.disputed", "dispute"), "promises": ("promise.created", "promise"),
    "approvals": ("approval.requested", "subject"),
}  # fmt: skip
"""File of a dossier -> the audit entry that tells its amounts, and the key that names the row there."""
NOT_APPROVED = ("format", "remarks")
"""Fields of a draft that are not part of what was approved."""


def main() -> int:
    asked = argparse.ArgumentParser(description="Checks an export of Duely.")
    asked.add_argument("folder", nargs="?", type=Path, default=Path(__file__).resolve().parent)
    asked.add_argument("--with", dest="other", type=Path, help="another unpacked export of the same seller")
    root, other = vars(asked.parse_args()).values()
    failed = told("files", files_are_listed, root)
    parts = sorted(path.parent.parent for path in root.rglob("audit/head.json"))
    if not parts:
        failed += told("audit chain", chain_is_linked, root)
    for part in parts:
        name = "" if part == root else part.relative_to(root).as_posix() + ": "
        for what, check in CHECKS:
            failed += told(name + what, check, part)
        if other is not None:
            failed += told(name + "links in both exports", lambda part, wrong: links_agree(part, other, wrong), part)
    say("verified" if not failed else f"NOT verified: {failed} finding{'' if failed == 1 else 's'}")
    return 1 if failed else 0


def told(what: str, check: Check, folder: Path) -> int:
    """Runs one check and says what it found; how many findings."""
    wrong: list[str] = []
    try:
        summary = check(folder, wrong)
    except Exception as error:  # noqa: BLE001 whatever a damaged file breaks is a finding, not an end
        wrong.append(f"cannot be read ({type(error).__name__}: {error})")
        summary = ""
    for each in wrong:
        say(f"FAIL  {what}: {each}")
    if not wrong:
        say(f"ok    {what}: {summary}")
    return len(wrong)


def say(text: str) -> None:
    sys.stdout.write(text + "\n")


def files_are_listed(root: Path, wrong: list[str]) -> str:
    lines = (root / LIST).read_bytes().decode("utf-8").split("\n")
    if lines.pop():
        wrong.append(LIST + ": does not end with a line break")
    listed = {}
    for number, line in enumerate(lines, 1):
        found = LINE.fullmatch(line)
        if found is None or ".." in found.group(2).split("/") or found.group(2).startswith("/"):
            wrong.append(f"{LIST}: line {number} cannot be read")
        else:
            listed[found.group(2)] = found.group(1)
    for name, wanted in listed.items():
        path = root / name
        if not path.is_file():
            wrong.append(f"{name}: is missing, {LIST} names it")
        elif sha256(path) != "sha256:" + wanted:
            wrong.append(f"{name}: was changed: it gives {sha256(path)}, {LIST} says {wanted}")
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_file() and name not in listed and name != LIST:
            wrong.append(f"{name}: was added, {LIST} does not name it")
    return f"{len(listed)} are what {LIST} says"


def chain_is_linked(part: Path, wrong: list[str]) -> str:
    """Entry by entry from the first to the head, each naming the digest of the one before."""
    head = load(part / "audit/head.json")
    end, at = "", 0
    for at, row in enumerate(table(part / "audit/chain.csv"), 1):
        if (row["seq"], row["previous"]) != (str(at), end):
            wrong.append(f"audit/chain.csv: entry {row['seq']} does not continue the one before")
        end = row["digest"]
    if (at, end) != (head["seq"], head["digest"]):
        wrong.append(f"audit/head.json: names entry {head['seq']}, the chain ends with entry {at}")
    return f"{at} links to the head {end}"


def entries_are_whole(part: Path, wrong: list[str]) -> str:
    """The content of each entry that is here gives the digest that the chain has at its place."""
    head = load(part / "audit/head.json")
    links = {row["seq"]: row for row in table(part / "audit/chain.csv")}
    count = 0
    for entry in lines(part / "audit/entries.jsonl"):
        count += 1
        link = links.get(str(entry["seq"]), {})
        here = digest("duely/audit/1", entry)
        if here != link.get("digest") or entry["previous"] != link.get("previous"):
            wrong.append(f"audit/entries.jsonl: entry {entry['seq']} was changed: it gives {here}")
        if entry["seller"] != head["seller"]:
            wrong.append(f"audit/entries.jsonl: entry {entry['seq']} is of another seller")
    if count != head["entries"] or (head["complete"] and count != len(links)):
        wrong.append(f"audit/entries.jsonl: has {count} entries, there must be {head['entries']}")
    return f"{count} of {len(links)} entries are here and give their digest"


def documents_are_told(part: Path, wrong: list[str]) -> str:
    """PDF, XML, model and approved content are those the audit chain was told of."""
    entries = (entry for entry in lines(part / "audit/entries.jsonl") if "document" in entry["keys"])
    said = {(entry["type"], entry["keys"]["document"]): entry["keys"] for entry in entries}
    count = 0
    for paper in lines(part / "documents.jsonl"):
        count += 1
        name, events = paper["id"], EVENTS if paper["kind"] == "invoice" else ("credit.issued",)
        keys: dict[str, Any] = next((said[event, name] for event in events if (event, name) in said), {})
        files = said.get(("document.stored", name), {})
        expect(wrong, name + ": its number", paper["number"], keys.get("number"))
        for what, key in (("pdf", "object"), ("xml", "xml")):
            here = paper[what] and sha256(part / paper[what])
            expect(wrong, f"{paper[what] or name}: the SHA-256 of {what}", here, files.get(key))
        for each in paper["attachments"]:
            expect(wrong, each["file"] + ": its SHA-256", sha256(part / each["file"]), each["key"])
        content = load(part / paper["content"])
        approved = digest("duely/draft/1", {k: v for k, v in content.items() if k not in NOT_APPROVED})
        if paper["kind"] == "invoice":
            expect(wrong, paper["content"] + ": its hash", approved, keys.get("hash"))
        if paper["model"] is not None:
            model = load(part / paper["model"])
            totals = model["totals"]
            expect(wrong, paper["model"] + ": its hash", digest("duely/document/1", model), keys.get("model"))
            expect(wrong, paper["model"] + ": its date", model["issued_on"], paper["issued_on"])
            payable = str(totals["total"] + totals.get("rounding", 0))
            expect(wrong, paper["model"] + ": what is payable", payable, keys.get("total", keys.get("amount")))
            known = {(each["name"], each["key"]) for each in paper["attachments"]}
            expect(wrong, name + ": attachments", known, {(a["name"], a["file"]) for a in model.get("attachments", [])})
        elif "model" in keys:
            wrong.append(name + ": the audit was told of a model, there is none")
    return f"{count} are what the audit chain was told"


def numbers_have_no_gap(part: Path, wrong: list[str]) -> str:
    """1…n in each series, in date order; each number that names a document has it here."""
    papers = {paper["id"]: paper for paper in lines(part / "documents.jsonl")}
    last: dict[tuple[str, str], tuple[int, str]] = {}
    count = 0
    for row in table(part / "numbers.csv"):
        count += 1
        series, n = (row["kind"], row["year"]), int(row["n"])
        before = last.get(series)
        if before is not None and (n != before[0] + 1 or row["issued_on"] < before[1]):
            wrong.append(f"numbers.csv: {row['number']} stands after {before[0]} of {before[1]} in its series")
        last[series] = (n, row["issued_on"])
        paper = papers.get(row["document"])
        if row["document"] and paper is None:
            wrong.append(f"documents.jsonl: {row['document']}, which has {row['number']}, is missing")
        elif paper is not None and (paper["number"], paper["issued_on"]) != (row["number"], row["issued_on"]):
            wrong.append(f"numbers.csv: {row['number']} is not what {paper['id']} says")
    return f"{count} numbers in {len(last)} series without a gap"


def postings_balance(part: Path, wrong: list[str]) -> str:
    sums: dict[tuple[str, str], Decimal] = {}
    for row in table(part / "postings.csv"):
        key = (row["transaction"], row["currency"])
        sums[key] = sums.get(key, Decimal(0)) + Decimal(row["amount"])
    wrong += [f"postings.csv: transaction {key[0]} is off by {off} {key[1]}" for key, off in sums.items() if off]
    return f"{len(sums)} transactions balance"


def receivables_agree(part: Path, wrong: list[str]) -> str:
    """That balance = total + charges - paid - credited - discounted - written off - withheld, from the postings alone,
    and the total is what the audit chain was told."""
    amounts: dict[str, dict[str, Decimal]] = {}
    for row in table(part / "postings.csv"):
        if row["account"] == "receivable":
            name, sign = SUMS[row["kind"]]
            own = amounts.setdefault(row["invoice"], {})
            own[name] = own.get(name, Decimal(0)) + sign * Decimal(row["amount"])
            own["balance"] = own.get("balance", Decimal(0)) + Decimal(row["amount"])
    entries = (entry for entry in lines(part / "audit/entries.jsonl") if entry["type"] in EVENTS)
    issued = {entry["keys"]["invoice"]: int(entry["keys"]["total"]) for entry in entries}
    count = 0
    for row in lines(part / "receivables.jsonl"):
        count += 1
        own, said = amounts.get(row["id"], {}), {k: Decimal(v) for k, v in row["amounts"].items()}
        for name, amount in said.items():
            expect(wrong, f"receivables.jsonl: {name} of {row['id']}", amount, own.get(name, Decimal(0)))
        gone = sum(said[name] for name in ("paid", "credited", "discounted", "written_off", "withheld"))
        expect(wrong, "balance of " + row["id"], said["balance"], said["total"] + said["charges"] - gone)
        if row["id"] in issued:
            minor = int(said["total"].scaleb(row["decimals"]))
            expect(wrong, "receivables.jsonl: total of " + row["id"], minor, issued[row["id"]])
    return f"{count} balances follow from the postings"


def records_are_told(part: Path, wrong: list[str]) -> str:
    """Disputes, promises and approvals are over the amounts the audit chain was told; none was taken away."""
    if load(part / "audit/head.json")["complete"]:
        return "none: this is the export of a year"
    entries = list(lines(part / "audit/entries.jsonl"))
    decimals = [row["decimals"] for row in lines(part / "receivables.jsonl")]
    for name, (kind, key) in AMOUNTS.items():
        there = {entry["keys"][key]: int(entry["keys"]["amount"]) for entry in entries if entry["type"] == kind}
        rows = lines(part / "records" / (name + ".jsonl"))
        here = {row["id"]: int(Decimal(row["amount"]).scaleb(decimals[0])) for row in rows}
        expect(wrong, f"records/{name}.jsonl", here, there)
    return f"the amounts of {', '.join(AMOUNTS)} are what the audit chain was told"


def links_agree(part: Path, other: Path, wrong: list[str]) -> str:
    """What two exports say of the same entries is the same."""
    seller = load(part / "audit/head.json")["seller"]
    links = {row["seq"]: row for row in table(part / "audit/chain.csv")}
    count = 0
    for path in sorted(other.rglob("audit/head.json")):
        if load(path)["seller"] != seller:
            continue
        same = [(row, links[row["seq"]]) for row in table(path.parent / "chain.csv") if row["seq"] in links]
        count += len(same)
        wrong += [f"audit/chain.csv: entry {a['seq']} is another one in {other}" for a, b in same if a != b]
    return f"{count} are the same"


CHECKS = (
    ("audit chain", chain_is_linked), ("audit entries", entries_are_whole), ("documents", documents_are_told),
    ("number ledger", numbers_have_no_gap), ("postings", postings_balance), ("receivables", receivables_agree),
    ("records", records_are_told),
)  # fmt: skip


def expect(wrong: list[str], what: str, here: object, there: object) -> None:
    if here != there:
        wrong.append(f"{what} is {here}, it must be {there}")


def sha256(path: Path) -> str:
    content = hashlib.sha256()
    with path.open("rb") as file:
        for chunk in iter(lambda: file.read(1 << 20), b""):
            content.update(chunk)
    return "sha256:" + content.hexdigest()


def digest(tag: str, content: dict[str, Any]) -> str:
    """Of JSON in one spelling; an entry's own digest is not part of it."""
    kept = {name: value for name, value in content.items() if name != "digest"}
    plain = json.dumps(kept, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return "sha256:" + hashlib.sha256((tag + "\n" + plain).encode()).hexdigest()


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def lines(path: Path) -> Iterator[Any]:
    with path.open(encoding="utf-8", newline="\n") as file:
        yield from map(json.loads, file)


def table(path: Path) -> Iterator[dict[str, str]]:
    """Without the mark before what a spreadsheet would take for a formula."""
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, strict=True):
            yield {name: cell[1:] if cell[:2] in FORMULAS else cell for name, cell in row.items()}


sys.exit(main())
