"""Registration numbers of legal entities (BT-30, BT-47) that name their register by their looks, so that an e-invoice
can say which one it is (BT-30-1, BT-47-1; ISO 6523). Elsewhere a number stands alone.
"""

from __future__ import annotations

import re
from typing import Final

_REGISTERS: Final = {
    "BE": (("0208", r"[01]\d{9}"),),  # KBO/BCE
    "DK": (("0184", r"\d{8}"),),  # CVR
    "FR": (("0002", r"\d{9}"),),  # SIREN
    "IS": (("0196", r"\d{10}"),),  # kennitala
    "NL": (("0106", r"\d{8}"), ("0190", r"\d{20}")),  # KVK, OIN
    "NO": (("0192", r"\d{9}"),),  # Enhetsregisteret
    "SE": (("0007", r"\d{10}"),),  # organisationsnummer
}


def scheme(registration: str | None, country: str) -> str | None:
    """The code of the register, or None where the number does not tell."""
    if registration is None:
        return None
    known = _REGISTERS.get(country, ())
    return next((code for code, shape in known if re.fullmatch(shape, registration, re.ASCII)), None)
