"""The judges in Java, where `java` and `mvn` exist: one process over good and broken documents of every kind."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.documents.own_key import own_key
from adapters.documents.seal import Seal
from adapters.judges import kit
from adapters.judges.port import Part, Verdict
from adapters.judges.profiles import SPECIFICATIONS
from domain.errors import Unavailable
from tests.adapters.judges import papers, samples

REASON = kit.missing()
needs_java = pytest.mark.skipif(REASON is not None, reason=REASON or "")


def documents(key: bytes) -> dict[str, bytes]:
    paper = papers.paper()
    factur_x = papers.factur_x(samples.cii())
    return {
        "paper.pdf": paper,
        "factur-x.pdf": factur_x,
        "sealed.pdf": Seal(key).seal(factur_x, datetime(2026, 1, 5, tzinfo=UTC)),
        "no-metadata.pdf": papers.changed(factur_x, papers.without_metadata),
        "no-relationship.pdf": papers.changed(factur_x, papers.without_relationship),
        "no-language.pdf": papers.changed(factur_x, papers.without_language),
        "cut.pdf": factur_x[: len(factur_x) // 2],
        **{f"cii {profile}.xml": samples.cii(profile) for profile in samples.CII},
        **{f"ubl {profile}.xml": samples.ubl(profile) for profile in samples.UBL},
        **{f"credit {profile}.xml": samples.credit_note(profile) for profile in samples.UBL},
        **{f"sum cii {profile}.xml": samples.wrong_sum(samples.cii(profile)) for profile in samples.CII},
        **{f"sum ubl {profile}.xml": samples.wrong_sum(samples.ubl(profile)) for profile in samples.UBL},
        **{f"sum credit {profile}.xml": samples.wrong_sum(samples.credit_note(profile)) for profile in samples.UBL},
        "no-leitweg.xml": re.sub(b"<cbc:BuyerReference>.*\n", b"", samples.ubl("XRechnung")),
        "no-endpoint.xml": samples.ubl("Peppol BIS 3").replace(b"9930", b"EM"),
        "profile.xml": samples.wrong_profile(samples.cii("XRechnung")),
        "minimum.xml": samples.cii("MINIMUM"),
        "basic-wl.xml": samples.cii("BASIC WL"),
        "basic.xml": samples.cii("BASIC"),
        "cut.xml": samples.cii()[:3000],
    }  # fmt: skip


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Verdict]]:
    folder = tmp_path_factory.mktemp("documents")
    parts = []
    for name, content in documents(own_key(folder, "Nordlicht").read_bytes()).items():
        (folder / name).write_bytes(content)
        parts.append(Part(name, folder / name))
    try:
        java = kit.ready()
    except Unavailable as error:
        # Maven without a repository; a mistake of ours in the sources does not say so, and fails.
        if "resolve" in str(error) or "transfer" in str(error):
            pytest.skip(str(error))
        raise
    found: dict[str, list[Verdict]] = {}
    for verdict in java.judge(parts):
        found.setdefault(verdict.file, []).append(verdict)
    return found


XMLS = [
    *(f"cii {profile}.xml" for profile in samples.CII),
    *(f"{kind} {profile}.xml" for kind in ("ubl", "credit") for profile in samples.UBL),
]
GOOD = ["paper.pdf", "factur-x.pdf", "sealed.pdf", *XMLS]


@needs_java
@pytest.mark.parametrize("name", GOOD)
def test_good_ones_are_accepted(verdicts: dict[str, list[Verdict]], name: str) -> None:
    assert [verdict.problems for verdict in verdicts[name]] == [()] * len(verdicts[name])
    assert len(verdicts[name]) == (2 if name.endswith(".pdf") or name == "cii EN 16931.xml" else 1)


@needs_java
@pytest.mark.parametrize("name", XMLS)
def test_a_wrong_sum_is_refused(verdicts: dict[str, list[Verdict]], name: str) -> None:
    for verdict in verdicts[f"sum {name}"]:
        assert any("CO-16" in problem for problem in verdict.problems)


@needs_java
@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("no-metadata.pdf", "6.6.2.1-1"),
        ("no-relationship.pdf", "6.8-3"),
        ("no-language.pdf", "7.2-34"),
        ("cut.pdf", "cannot be read"),
        ("no-leitweg.xml", "BR-DE-15"),
        ("no-endpoint.xml", "PEPPOL-EN16931-CL008"),
        ("profile.xml", "BT-24: "),
        ("minimum.xml", "IncludedSupplyChainTradeLineItem"),
        ("basic-wl.xml", "IncludedSupplyChainTradeLineItem"),
        ("basic.xml", "DefinedTradeContact"),
        ("cut.xml", "not well-formed"),
    ],
)
def test_a_broken_one_is_refused_for_its_reason(verdicts: dict[str, list[Verdict]], name: str, rule: str) -> None:
    assert rule in " ".join(problem for verdict in verdicts[name] for problem in verdict.problems)


def test_there_are_rules_for_every_profile() -> None:
    assert {claimed.profile for claimed in kit._XML_RULES} == set(SPECIFICATIONS)


def test_a_machine_without_java_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(Unavailable, match=r"^no java and no mvn on PATH: install a JDK 17 or newer, and Maven"):
        kit.ready()
    assert list(tmp_path.iterdir()) == []


def test_a_build_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for program, text in (("java", ""), ("mvn", "echo '[ERROR] release version 17 not supported'; exit 1")):
        (tmp_path / program).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / program).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(Unavailable, match=r"cannot be built: .*release version 17 not supported"):
        kit.ready()
    assert [path.name for path in (tmp_path / "cache" / "duely" / "judges").iterdir()] == ["lock"]


def test_where_only_the_packages_are_installed_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kit, "SOURCES", tmp_path)
    with pytest.raises(Unavailable, match="the judges in Java need the checkout"):
        kit.ready()
