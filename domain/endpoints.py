"""Electronic addresses (BT-34, BT-49): the schemes of the EAS list, and the check digits Peppol computes.

Sources: EN 16931 BR-CL-25 (EAS 12); Peppol BIS Billing 3 PEPPOL-COMMON-R040 to R043, R049 and CL008.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from domain.parts import Endpoint

SCHEMES: Final = frozenset(
    "0002 0007 0009 0037 0060 0088 0096 0097 0106 0130 0135 0142 0147 0151 0154 0158 0170 0177 0183 0184 0188 0190 "
    "0191 0192 0193 0194 0195 0196 0198 0199 0200 0201 0202 0203 0204 0205 0208 0209 0210 0211 0212 0213 0215 0216 "
    "0217 0218 0219 0220 0221 0225 0230 0235 0240 0242 0244 0245 0246 0248 9910 9913 9914 9915 9918 9919 9920 9922 "
    "9923 9924 9925 9926 9927 9928 9929 9930 9931 9932 9933 9934 9935 9936 9937 9938 9939 9940 9941 9942 9943 9944 "
    "9945 9946 9947 9948 9949 9950 9951 9952 9953 9957 9959 AN AQ AS AU EM".split()
)
_NOT_PEPPOL: Final = frozenset({"AN", "AQ", "AS", "AU", "EM"})


def fault(endpoint: Endpoint, peppol: bool) -> str | None:
    """What is wrong with it, as a message that names the fix; `peppol`: whether it must be one of that network."""
    if endpoint.scheme not in SCHEMES or (peppol and endpoint.scheme in _NOT_PEPPOL):
        known = "0088 (GLN), 0204 (Leitweg-ID), 0208 (Belgium), 9930 (German VAT id)"
        return f"has the scheme {endpoint.scheme}, which is none of the EAS list (BR-CL-25), such as {known}"
    check = _CHECKS.get(endpoint.scheme)
    if peppol and check is not None and not check(endpoint.id):
        return f"{endpoint.id} is no identifier of the scheme {endpoint.scheme}: its check digit is wrong; correct it"
    return None


def _gln(text: str) -> bool:
    """GS1 modulo 10: thirteen digits, the weights 3 and 1 from the right."""
    if not re.fullmatch(r"\d{13}", text, re.ASCII):
        return False
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(reversed(text)))
    return total % 10 == 0


def _norwegian(text: str) -> bool:
    """Modulo 11 of nine digits."""
    if not re.fullmatch(r"\d{9}", text, re.ASCII):
        return False
    return sum(int(digit) * weight for digit, weight in zip(text, (3, 2, 7, 6, 5, 4, 3, 2, 1), strict=True)) % 11 == 0


def _danish(text: str) -> bool:
    """CVR: eight digits with DK before them, modulo 11."""
    if not re.fullmatch(r"DK\d{8}", text, re.ASCII):
        return False
    return sum(int(digit) * weight for digit, weight in zip(text[2:], (2, 7, 6, 5, 4, 3, 2, 1), strict=True)) % 11 == 0


def _belgian(text: str) -> bool:
    """Enterprise number: ten digits, the last two are 97 minus the others modulo 97."""
    return bool(re.fullmatch(r"\d{10}", text, re.ASCII)) and 97 - int(text[:8]) % 97 == int(text[8:])


def _swedish(text: str) -> bool:
    """Organisationsnummer: ten digits after Luhn, whose doubled digits count crosswise."""
    if not re.fullmatch(r"\d{10}", text, re.ASCII):
        return False
    doubled = [int(digit) * (1 if place % 2 else 2) for place, digit in enumerate(text)]
    return sum(each // 10 + each % 10 for each in doubled) % 10 == 0


_CHECKS: Final[dict[str, Callable[[str], bool]]] = {
    "0007": _swedish,
    "0088": _gln,
    "0184": _danish,
    "0192": _norwegian,
    "0208": _belgian,
}
