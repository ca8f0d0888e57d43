"""What an auditor gets checks itself: whole it is verified, and one byte changed anywhere is found and named."""

from __future__ import annotations

import csv
import io
import json
import runpy
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import Engine

from adapters.books import files
from adapters.books.engine import open_engine, write
from adapters.books.verify import verify
from adapters.documents.archive import Archive
from adapters.dossier import parcel, period, receivable
from domain.errors import Conflict, Invalid, NotFound, Refused
from schemas import tables as t
from tests.adapters.test_adopting import adopted
from tests.conftest import SEEDED_AT, Databases, seed_demo
from tests.story import Story, tell

BUSY = "invoice-demo-BUSY"
EVIL = {"name": "=cmd()<script>", "country": "DE", "kind": "business", "email": "ap@evil.example"}


@dataclass(frozen=True)
class Told:
    """A told book with its archive, and its two exports, unpacked."""

    engine: Engine
    archive: Path
    folder: Path

    def export(self, invoice: str, name: str) -> Path:
        out = self.folder / f"{name}.zip"
        receivable.export(self.engine, Archive(self.archive), mail_of, invoice, out)
        return out

    def year(self, name: str, year: int = 2026, seller: str | None = None) -> Path:
        out = self.folder / f"{name}.zip"
        period.export(self.engine, Archive(self.archive), year, seller, out)
        return out


def mail_of(key: str) -> bytes | None:
    return None if "approval" in key else f"X-Duely-Key: {key}\r\n\r\nDear".encode()


@pytest.fixture(scope="module")
def book(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    folder = tmp_path_factory.mktemp("dossier")
    url = databases.copy(seed_demo)
    engine = open_engine(url)
    archive = folder / "archive"
    tell(engine, archive)
    file = files.keep(engine, Archive(archive), b"time sheet", "txt", SEEDED_AT)
    odd = Story(engine, "demo", "ODD", archive)
    odd.now = datetime(2026, 4, 1, 9, tzinfo=UTC)
    odd.start(EVIL, "100.00", attachments=[{"name": "../time sheet.txt", "file": file}])
    odd.command("approve", "ana")
    odd.run(1)
    other = Story(engine, "clock01", "OTHER", archive)
    other.start("globex", "10.00")
    other.command("approve", "ana")
    other.run(0)
    yield Told(engine, archive, folder)
    engine.dispose()
    databases.remove(url)


@pytest.fixture(scope="module")
def dossier(book: Told) -> Path:
    return unpacked(book.export(BUSY, "busy"))


@pytest.fixture(scope="module")
def year(book: Told) -> Path:
    return unpacked(book.year("year"))


def unpacked(zip_: Path) -> Path:
    with zipfile.ZipFile(zip_) as file:
        file.extractall(zip_.with_suffix(""))
    return zip_.with_suffix("")


def check(folder: Path, *arguments: object) -> tuple[int, list[str]]:
    """Exit code and the lines that say what is wrong, of the export's own script alone."""
    done = subprocess.run(
        [sys.executable, "-I", str(folder / "verify.py"), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, _wrong(done.stdout + done.stderr)


def check_here(folder: Path) -> tuple[int, list[str]]:
    """The same script in this process: for hundreds of checks of an export whose script is whole."""
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said):
        patch.setattr(sys, "argv", ["verify.py", str(folder)])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(folder / "verify.py"), run_name="__main__")
    return int(ended.value.code or 0), _wrong(said.getvalue())


def _wrong(said: str) -> list[str]:
    return [line for line in said.splitlines() if not line.startswith("ok")]


def listed(folder: Path) -> None:
    """What somebody does who changes a file and knows of the list."""
    old = (folder / parcel.LIST).read_text("utf-8").splitlines()
    names = [line[66:] for line in old if (folder / line[66:]).exists()]
    sums = (f"{sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names)
    (folder / parcel.LIST).write_text("".join(sums), "utf-8")


@pytest.fixture
def copy(tmp_path: Path) -> Callable[[Path], Path]:
    return lambda folder: Path(shutil.copytree(folder, tmp_path / folder.name))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_both_exports_verify(dossier: Path, year: Path) -> None:
    for folder, more in ((dossier, ()), (year, ()), (dossier, ("--with", year)), (year, ("--with", dossier))):
        assert check(folder, *more) == (0, ["verified"])


def test_the_coreutils_agree(dossier: Path) -> None:
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", parcel.LIST], cwd=dossier, check=True)


def test_equal_books_give_equal_bytes(book: Told) -> None:
    assert book.export(BUSY, "again").read_bytes() == book.export(BUSY, "and-again").read_bytes()
    assert book.year("2026").read_bytes() == book.year("2026-again").read_bytes()
    assert verify(book.engine, book.archive) == []


@pytest.mark.parametrize("which", ["dossier", "year"])
def test_one_byte_of_any_file_is_found_and_named(
    which: str, dossier: Path, year: Path, copy: Callable[[Path], Path]
) -> None:
    folder = copy({"dossier": dossier, "year": year}[which])
    members = sorted(path for path in folder.rglob("*") if path.is_file())
    assert len(members) > 40
    for path in members:
        whole = path.read_bytes()
        for at in {0, len(whole) // 2, len(whole) - 1} if whole else ():
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            code, wrong = check(folder) if path.name == "verify.py" else check_here(folder)
            assert code == 1, (path, at)
            assert path.relative_to(folder).as_posix() in "\n".join(wrong), (path, at)
        path.write_bytes(whole)
    assert check(folder)[0] == 0


def test_any_byte_of_the_list_is_found(dossier: Path, copy: Callable[[Path], Path]) -> None:
    folder = copy(dossier)
    whole = (folder / parcel.LIST).read_bytes()
    for at in range(0, len(whole), 97):
        (folder / parcel.LIST).write_bytes(whole[:at] + bytes([whole[at] ^ 0x20]) + whole[at + 1 :])
        assert check_here(folder)[0] == 1, at


def test_a_file_too_many_and_one_too_few(dossier: Path, copy: Callable[[Path], Path]) -> None:
    folder = copy(dossier)
    (folder / "documents" / "extra.pdf").write_bytes(b"%PDF")
    (folder / "records" / "votes.jsonl").unlink()
    code, wrong = check(folder)
    assert code == 1
    assert any("documents/extra.pdf: was added" in line for line in wrong)
    assert any("records/votes.jsonl: is missing" in line for line in wrong)


FORGED = {
    "a PDF": ("documents/RE-2026-00001.pdf", b"%PDF", b"%FDP", "documents/RE-2026-00001.pdf"),
    "an XML": ("documents/RE-2026-00001.xml", b"<!--", b"<?--", "documents/RE-2026-00001.xml"),
    "a model": ("documents/RE-2026-00001.model.json", b"Globex", b"Global", "documents/RE-2026-00001.model.json"),
    "an approved content": ("documents/RE-2026-00001.content.json", b"Work", b"Wine", "RE-2026-00001.content.json"),
    "a credit note": ("documents/GS-2026-00001.model.json", b"GS-2026", b"GS-2025", "GS-2026-00001.model.json"),
    "an entry": ("audit/entries.jsonl", b"invoice.disputed", b"invoice.withheld", "audit/entries.jsonl: entry"),
    "a link": ("audit/chain.csv", b",sha256:", b",sha256:0", "audit/chain.csv: entry"),
    "a head": ("audit/head.json", b'"digest": "sha256:', b'"digest": "sha256:0', "audit/head.json"),
    "a posting": ("postings.csv", b"300.00", b"310.00", "postings.csv: transaction"),
    "a total": ("receivables.jsonl", b'"total": "1', b'"total": "2', "receivables.jsonl: total"),
    "a payment": ("receivables.jsonl", b'"paid": "3', b'"paid": "9', "receivables.jsonl: paid"),
    "a number": ("numbers.csv", b"RE-2026-00001", b"RE-2026-00099", "RE-2026-00099"),
    "a dispute": ("records/disputes.jsonl", b"100.00", b"10.00", "records/disputes.jsonl"),
    "a promise": ("records/promises.jsonl", b"200.00", b"20.00", "records/promises.jsonl"),
    "a document left out": ("documents.jsonl", b"GS-2026-00002", b"GS-2026-00003", "GS-2026-00003"),
}


@pytest.mark.parametrize(("file", "old", "new", "named"), FORGED.values(), ids=list(FORGED))
def test_who_rewrites_the_list_as_well_is_found_by_the_chain(
    dossier: Path, copy: Callable[[Path], Path], file: str, old: bytes, new: bytes, named: str
) -> None:
    folder = copy(dossier)
    whole = (folder / file).read_bytes()
    assert old in whole
    (folder / file).write_bytes(whole.replace(old, new, 1))
    listed(folder)
    code, wrong = check(folder)
    assert code == 1
    assert any(named in line for line in wrong), wrong
    assert not any("was changed: it gives" in line and parcel.LIST in line for line in wrong)


def test_an_export_without_its_chain_proves_nothing(dossier: Path, copy: Callable[[Path], Path]) -> None:
    folder = copy(dossier)
    shutil.rmtree(folder / "audit")
    listed(folder)
    assert check(folder)[0] == 1


def test_a_chain_rewritten_from_our_entry_on_is_found_by_another_export(
    dossier: Path, year: Path, copy: Callable[[Path], Path]
) -> None:
    """In the dossier alone the entries of others are only claimed; the year's export has them in full."""
    folder = copy(dossier)
    (folder / "audit/entries.jsonl").write_text(_rewritten(folder), "utf-8")
    listed(folder)
    assert check(folder) == (0, ["verified"])
    code, wrong = check(folder, "--with", year)
    assert code == 1
    assert any("is another one in" in line for line in wrong)


def _rewritten(folder: Path) -> str:
    """Another actor in our last entry, its new digest, and the link that an entry of somebody else's makes to it."""
    entries = [json.loads(line) for line in (folder / "audit/entries.jsonl").read_text("utf-8").splitlines()]
    before, entries[-1]["actor"] = entries[-1]["digest"], "nobody"
    kept = {name: value for name, value in entries[-1].items() if name != "digest"}
    plain = json.dumps(kept, sort_keys=True, separators=(",", ":"))
    entries[-1]["digest"] = f"sha256:{sha256(f'duely/audit/1{chr(10)}{plain}'.encode()).hexdigest()}"
    chain = folder / "audit/chain.csv"
    chain.write_text(chain.read_text("utf-8").replace(before, entries[-1]["digest"]), "utf-8")
    return "".join(parcel.line(entry) for entry in entries)


def test_a_dossier_shows_nothing_of_other_customers(dossier: Path) -> None:
    everything = b"".join(path.read_bytes() for path in sorted(dossier.rglob("*")) if path.is_file())
    for theirs in (b"invoice-demo-PAID", b"invoice-demo-LATE", b"umbrella", b"Initech", b"150.00"):
        assert theirs not in everything
    assert b"two hours too many" in everything


def test_a_dossier_has_every_word_about_the_dispute(dossier: Path) -> None:
    page = (dossier / "index.html").read_text("utf-8")
    assert "two hours too many" in page
    messages = [json.loads(line) for line in (dossier / "records/messages.jsonl").read_text("utf-8").splitlines()]
    sent = [m for m in messages if m["kind"] == "invoice"]
    assert [m["effect"]["state"] for m in sent] == ["confirmed"]
    assert (dossier / sent[0]["file"]).read_bytes() == mail_of(sent[0]["key"])
    assert {m["file"] for m in messages if m["kind"] == "approval"} == {None}
    decided = [json.loads(line) for line in (dossier / "records/exceptions.jsonl").read_text("utf-8").splitlines()]
    assert {"dispute"} <= {each["kind"] for each in decided if each["decision"]}
    assert json.loads((dossier / "records/legal_holds.jsonl").read_text("utf-8"))["reason"] == "the court asked"


def test_names_of_strangers_do_no_harm(book: Told) -> None:
    folder = unpacked(book.export("invoice-demo-ODD", "odd"))
    assert check(folder)[0] == 0
    page = (folder / "index.html").read_text("utf-8")
    assert "<script>" not in page
    assert "=cmd()&lt;script&gt;" in page
    [name] = [path.name for path in (folder / "attachments").iterdir()]
    assert name == "RE-2026-00008-time-sheet.txt"
    assert (folder / "attachments" / name).read_bytes() == b"time sheet"


def test_a_year_is_indexed_with_its_taxes(year: Path) -> None:
    index = rows(year / "demo/index.csv")
    assert [row["number"] for row in index if row["kind"] == "invoice"] == [f"RE-2026-{n:05}" for n in range(1, 9)]
    first = index[0]
    assert (first["number"], first["net"], first["tax"], first["total"]) == (
        "RE-2026-00001",
        "1020.00",
        "191.40",
        "1211.40",
    )
    assert sha256((year / "demo" / first["pdf"]).read_bytes()).hexdigest() == first["pdf_sha256"]
    taxes = [(row["rate"], row["taxable"], row["tax"]) for row in rows(year / "demo/taxes.csv")[:2]]
    assert sorted(taxes) == [("19", "1000.00", "190.00"), ("7", "20.00", "1.40")]
    assert [row["name"] for row in index][-1] == "'=cmd()<script>"
    assert {row["number"] for row in rows(year / "clock01/index.csv")} <= {
        row["number"] for row in rows(year / "clock01/numbers.csv")
    }


def test_no_number_is_a_formula_to_a_spreadsheet_and_the_script_still_reads_it(seeded: Engine, tmp_path: Path) -> None:
    with write(seeded, "demo") as session:
        seller = session.get_one(t.Seller, "demo")
        seller.profile = {**seller.profile, "series": {"invoice": {"format": "-{year}-{n}"}}}
        session.add(seller)
    adopted(seeded, number="=2+5", issued_on="2026-01-30")
    story = Story(seeded, "demo", "ORD-1", tmp_path)
    story.now = datetime(2026, 4, 1, 9, tzinfo=UTC)
    story.start("globex", "100.00")
    story.command("approve", "ana")
    story.run(1)
    period.export(seeded, Archive(tmp_path), 2026, "demo", tmp_path / "year.zip")
    folder = unpacked(tmp_path / "year.zip")
    assert {row["number"] for row in rows(folder / "demo/index.csv")} == {"'=2+5", "'-2026-1"}
    postings = rows(folder / "demo/postings.csv")
    assert "'=2+5" in {row["note"] for row in postings}
    assert all(int(row["amount"].replace(".", "")) for row in postings), "an amount is a number, below zero too"
    assert check(folder) == (0, ["verified"])


def test_a_year_of_one_seller(book: Told) -> None:
    folder = unpacked(book.year("demo-2026", seller="demo"))
    assert check(folder) == (0, ["verified"])
    assert not (folder / "clock01").exists()


def test_what_there_is_nothing_to_export_of(book: Told) -> None:
    with pytest.raises(Refused, match="issued in 2025"):
        book.year("x", 2025)
    with pytest.raises(NotFound, match="no seller nobody"):
        book.year("x", seller="nobody")
    with pytest.raises(NotFound, match="not in the books"):
        book.export("invoice-demo-NONE", "x")
    with pytest.raises(Invalid, match="cannot be written"):
        receivable.export(book.engine, Archive(book.archive), mail_of, BUSY, book.folder / "no" / "x.zip")
    assert not (book.folder / "x.zip").exists()


def test_one_before_issue_has_a_dossier_too(book: Told) -> None:
    folder = unpacked(book.export("invoice-demo-WAITS", "waits"))
    assert check(folder) == (0, ["verified"])
    assert (folder / "documents.jsonl").read_bytes() == b""


def test_rot_stops_an_export_and_leaves_no_file(book: Told, tmp_path: Path) -> None:
    rotten = Path(shutil.copytree(book.archive, tmp_path / "archive"))
    for path in rotten.glob("*.pdf"):
        path.chmod(0o644)
        path.write_bytes(b"rot")
    with pytest.raises(Conflict, match="has changed on disk"):
        receivable.export(book.engine, Archive(rotten), mail_of, BUSY, tmp_path / "x.zip")
    with pytest.raises(Conflict, match="has changed on disk"):
        period.export(book.engine, Archive(rotten), 2026, None, tmp_path / "x.zip")
    assert [path.name for path in tmp_path.iterdir()] == ["archive"]


def test_the_script_needs_nothing_but_python_three_eight() -> None:
    import ast

    tree = ast.parse(
        (Path(__file__).parents[2] / "templates/dossier/verify.py").read_text("utf-8"), feature_version=(3, 8)
    )
    imported = {
        name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names])
    }  # fmt: skip
    assert imported <= set(sys.stdlib_module_names)
    assert "removeprefix" not in ast.unparse(tree)  # 3.9
