"""How long the law wants a record kept, as data. It deletes nothing: what is past its date may be deleted by a person,
unless a legal hold says otherwise (`adapters/books/legal_holds.py`).

Years run from the end of the calendar year of the record. Two laws on one record: the longer period stands here. Longer
periods for real estate, and tax years that are still open, are what a legal hold is for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

DOCUMENT, VOUCHER, BOOKS = "document", "voucher", "books"
KINDS = (DOCUMENT, VOUCHER, BOOKS)
"""Invoices and credit notes; what postings rest on, such as bank statements; ledger, number ledger and audit."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`years` after the end of the calendar year, for records dated `since` or later."""

    years: int
    law: str
    since: date = date.min


DEFAULT = Rule(10, "no rule for this country here: the longest ordinary period of its neighbours")

_DE_TAX = "§ 147 Abs. 3 AO and § 14b Abs. 1 UStG as amended by BEG IV (BGBl. 2024 I Nr. 323), since 2025-01-01"
_BE_NEW = date(2023, 1, 1)
_BE = "Art. 60 § 4 Code de la TVA / Btw-Wetboek"

RULES: dict[str, dict[str, tuple[Rule, ...]]] = {
    "AT": {"": (Rule(7, "§ 132 Abs. 1 BAO, § 11 Abs. 2 UStG 1994"),)},
    "BE": {"": (Rule(10, f"{_BE}, for records since 2023", _BE_NEW), Rule(7, f"{_BE}, as before 2023"))},
    "CH": {"": (Rule(10, "Art. 958f OR, Art. 70 Abs. 2 MWSTG"),)},
    "DE": {
        "": (Rule(10, "§ 147 Abs. 3 AO, § 257 Abs. 4 HGB"),),
        DOCUMENT: (Rule(8, _DE_TAX),),
        VOUCHER: (Rule(8, "§ 147 Abs. 3 AO, § 257 Abs. 4 HGB as amended by BEG IV, since 2025-01-01"),),
    },
    "DK": {"": (Rule(5, "Bogføringsloven § 12"),)},
    "ES": {"": (Rule(6, "Art. 30 Código de Comercio; the four years of Art. 66 LGT end earlier"),)},
    "FR": {"": (Rule(10, "Art. L123-22 Code de commerce; the six years of Art. L102 B LPF end earlier"),)},
    "GB": {"": (Rule(6, "Value Added Tax Act 1994, Schedule 11, paragraph 6(3)"),)},
    "IE": {"": (Rule(6, "Value-Added Tax Consolidation Act 2010, section 84"),)},
    "IT": {"": (Rule(10, "Art. 2220 Codice civile, Art. 39 DPR 633/1972"),)},
    "LU": {"": (Rule(10, "Art. 16 Code de commerce, Art. 65 loi TVA"),)},
    "NL": {"": (Rule(7, "Art. 52 lid 4 AWR"),)},
    # Five years from the end of the year in which the tax fell due, which for a December is the next one.
    "PL": {
        "": (Rule(6, "Art. 86 § 1 and 70 § 1 Ordynacja podatkowa, Art. 112 ustawa o VAT: 5 years once tax is due"),)
    },
    "PT": {"": (Rule(10, "Art. 52 CIVA, Art. 123 CIRC"),)},
    "SE": {"": (Rule(7, "7 kap. 2 § bokföringslagen"),)},
    "US": {"": (Rule(7, "26 CFR § 1.6001-1(e); 26 U.S.C. § 6511(d)(1), seven years for bad debts"),)},
}
"""Country of the seller -> kind of record ("" for the others) -> its rules, the latest first."""


@dataclass(frozen=True, slots=True)
class Keep:
    """The last day on which the record must be kept, and by which law."""

    until: date
    law: str


def keep_until(country: str, dated: date, kind: str = DOCUMENT) -> Keep:
    """For a record of a seller in `country` (ISO 3166-1 alpha-2). ValueError for a kind that is not one of `KINDS`."""
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}")
    kinds = RULES.get(country, {})
    rules = kinds.get(kind) or kinds.get("") or (DEFAULT,)
    rule = next(each for each in rules if dated >= each.since)
    return Keep(date(dated.year + rule.years, 12, 31), rule.law)
