"""VAT rates of the EU-27, Great Britain, Switzerland and Norway by date, as data. Decides nothing.

A row holds from its date until the country's next row: country, first day, standard rate, reduced rates.
The table begins with 2020; for an earlier supply no rate is guessed. Reduced rates include super-reduced,
parking and regional ones (Azores, Corsica, Greek islands, Jungholz); they serve to recognise a rate, not to
choose one. Zero rates are category Z, not rates. The law behind it: the member states' VAT acts under
Directive 2006/112/EC Art. 96 to 98, the British VATA 1994, the Swiss MWSTG Art. 25, the Storting's annual
VAT resolution. A change of law is a new row; rows in force are never edited.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Final


@dataclass(frozen=True, slots=True)
class RatePeriod:
    """What a country charges from `start` on, in percent."""

    start: date
    standard: Decimal
    reduced: frozenset[Decimal]


_TABLE: Final = """
AT 2020-01-01 20 10 13 19
AT 2020-07-01 20 5 10 13 19
AT 2022-01-01 20 10 13 19
AT 2026-07-01 20 4.9 10 13 19
BE 2020-01-01 21 6 12
BG 2020-01-01 20 9
CH 2020-01-01 7.7 2.5 3.7
CH 2024-01-01 8.1 2.6 3.8
CY 2020-01-01 19 5 9
CY 2023-07-01 19 3 5 9
CZ 2020-01-01 21 10 15
CZ 2024-01-01 21 12
DE 2020-01-01 19 7
DE 2020-07-01 16 5
DE 2021-01-01 19 7
DK 2020-01-01 25
EE 2020-01-01 20 9
EE 2022-08-01 20 5 9
EE 2024-01-01 22 5 9
EE 2025-01-01 22 9 13
EE 2025-07-01 24 9 13
ES 2020-01-01 21 4 10
ES 2022-07-01 21 4 5 10
ES 2024-10-01 21 2 4 7.5 10
ES 2025-01-01 21 4 10
FI 2020-01-01 24 10 14
FI 2024-09-01 25.5 10 14
FI 2026-01-01 25.5 10 13.5
FR 2020-01-01 20 0.9 1.05 1.75 2.1 5.5 8.5 10 13
GB 2020-01-01 20 5
GB 2021-10-01 20 5 12.5
GB 2022-04-01 20 5
GR 2020-01-01 24 4 6 9 13 17
HR 2020-01-01 25 5 13
HU 2020-01-01 27 5 18
IE 2020-01-01 23 4.8 9 13.5
IE 2020-09-01 21 4.8 9 13.5
IE 2021-03-01 23 4.8 9 13.5
IT 2020-01-01 22 4 5 10
LT 2020-01-01 21 5 9
LT 2026-01-01 21 5 12
LU 2020-01-01 17 3 8 14
LU 2023-01-01 16 3 7 13
LU 2024-01-01 17 3 8 14
LV 2020-01-01 21 5 12
MT 2020-01-01 18 5 7
MT 2024-01-01 18 5 7 12
NL 2020-01-01 21 9
NO 2020-01-01 25 11.11 12 15
NO 2020-04-01 25 6 11.11 12 15
NO 2021-10-01 25 11.11 12 15
PL 2020-01-01 23 5 8
PT 2020-01-01 23 4 5 6 9 12 13 16 18 22
RO 2020-01-01 19 5 9
RO 2025-08-01 21 9 11
SE 2020-01-01 25 6 12
SI 2020-01-01 22 5 9.5
SK 2020-01-01 20 10
SK 2023-01-01 20 5 10
SK 2025-01-01 23 5 19
"""

SAME_TERRITORY: Final[dict[str, str]] = {"IM": "GB", "LI": "CH", "MC": "FR"}
"""Countries that count as part of another for VAT (Directive 2006/112/EC Art. 7; customs treaty CH–LI)."""

EU: Final = frozenset("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split())
BRITISH_TRANSITION_ENDED: Final = date(2021, 1, 1)
"""Until then Great Britain counts as a member state (Withdrawal Agreement Art. 126, 127)."""


def _period(row: list[str]) -> RatePeriod:
    return RatePeriod(date.fromisoformat(row[1]), Decimal(row[2]), frozenset(map(Decimal, row[3:])))


RATES: Final[dict[str, tuple[RatePeriod, ...]]] = {
    country: tuple(_period(row) for row in rows)
    for country, rows in groupby((line.split() for line in _TABLE.strip().splitlines()), key=lambda row: row[0])
}
"""Country → its periods, oldest first."""
