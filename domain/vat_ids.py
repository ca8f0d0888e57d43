"""What VAT identification numbers look like (BT-31, BT-48), by country and without check digits.

Sources: Directive 2006/112/EC Art. 215, the European Commission's VIES; BR-CO-09 for all others.
"""

from __future__ import annotations

import re
from typing import Final

_SHAPES: Final = {
    "AT": r"U\d{8}",
    "BE": r"[01]\d{9}",
    "BG": r"\d{9,10}",
    "CY": r"\d{8}[A-Z]",
    "CZ": r"\d{8,10}",
    "DE": r"\d{9}",
    "DK": r"\d{8}",
    "EE": r"\d{9}",
    "EL": r"\d{9}",
    "ES": r"[A-Z0-9]\d{7}[A-Z0-9]",
    "FI": r"\d{8}",
    "FR": r"[A-HJ-NP-Z0-9]{2}\d{9}",
    "GB": r"(\d{9}|\d{12}|GD\d{3}|HA\d{3})",
    "HR": r"\d{11}",
    "HU": r"\d{8}",
    "IE": r"(\d{7}[A-W][A-I]?|\d[A-Z+*]\d{5}[A-W])",
    "IT": r"\d{11}",
    "LT": r"(\d{9}|\d{12})",
    "LU": r"\d{8}",
    "LV": r"\d{11}",
    "MT": r"\d{8}",
    "NL": r"[A-Z0-9+*]{10}\d{2}",
    "PL": r"\d{10}",
    "PT": r"\d{9}",
    "RO": r"\d{2,10}",
    "SE": r"\d{12}",
    "SI": r"\d{8}",
    "SK": r"\d{10}",
    "XI": r"(\d{9}|\d{12}|GD\d{3}|HA\d{3})",
}
_EXAMPLES: Final = {"AT": "ATU13585627", "DE": "DE811569869", "FR": "FR40303265045", "NL": "NL004495445B01"}
_BETWEEN: Final = re.compile(r"[\s./-]+")


def plain(vat_id: str) -> str:
    """As it is compared and sent: capitals, without blanks, dots and dashes."""
    return _BETWEEN.sub("", vat_id).upper()


def fault(vat_id: str, country: str) -> str | None:
    """What is wrong with the VAT id of a party in `country`, as a message that names the fix; None when nothing is."""
    text = plain(vat_id)
    prefix, number = text[:2], text[2:]
    if prefix in _SHAPES:
        if re.fullmatch(_SHAPES[prefix], number, re.ASCII):
            return None
        example = f", such as {_EXAMPLES[prefix]}" if prefix in _EXAMPLES else ""
        return f"is no VAT id of {prefix}{example}; correct it, or leave it out"
    if prefix == country and number:
        return None
    shown = "EL" if country == "GR" else country
    return (
        f"must begin with the code of its country, such as {shown} (BR-CO-09); a number that is no VAT id, such as an "
        "EIN, is `registration`"
    )
