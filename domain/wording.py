"""Words that a law wants on a document: why no VAT is charged, and the notes a country obliges its sellers to print.
Texts only; where they stand is the document's matter. A language without words gets English ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Final

from domain.parts import Note
from domain.tax import Category

_LANGUAGES: Final = ("en", "de", "fr", "es", "nl", "it", "pl")

# Directive 2006/112/EC Art. 226 (11), (11a): the reference to the exemption, and the very words for the reverse charge
# in each language version.
_EXEMPTIONS: Final[Mapping[Category, tuple[str, ...]]] = MappingProxyType(
    {
        Category.E: (
            "Exempt from VAT", "Umsatzsteuerfrei", "Exonéré de TVA", "Exento de IVA", "Vrijgesteld van btw",
            "Esente da IVA", "Zwolnione z VAT",
        ),
        Category.AE: (
            "Reverse charge", "Steuerschuldnerschaft des Leistungsempfängers", "Autoliquidation",
            "Inversión del sujeto pasivo", "Btw verlegd", "Inversione contabile", "Odwrotne obciążenie",
        ),
        Category.K: (
            "Intra-Community supply", "Steuerfreie innergemeinschaftliche Lieferung",
            "Livraison intracommunautaire exonérée", "Entrega intracomunitaria exenta", "Intracommunautaire levering",
            "Cessione intracomunitaria non imponibile", "Wewnątrzwspólnotowa dostawa towarów",
        ),
        Category.G: (
            "Export outside the EU", "Steuerfreie Ausfuhr in ein Drittland", "Exportation hors UE exonérée",
            "Exportación fuera de la UE exenta", "Uitvoer buiten de EU", "Esportazione extra UE non imponibile",
            "Eksport poza UE",
        ),
        Category.O: (
            "Not subject to VAT", "Nicht steuerbar", "Non soumis à la TVA", "No sujeto a IVA",
            "Niet onderworpen aan btw", "Fuori campo IVA", "Nie podlega VAT",
        ),
    }
)  # fmt: skip

_SMALL_BUSINESS: Final = MappingProxyType(
    {
        "AT": "Umsatzsteuerfrei aufgrund der Kleinunternehmerregelung (§ 6 Abs. 1 Z 27 UStG)",
        "BE": "Kleine onderneming onderworpen aan de vrijstellingsregeling van belasting / "
        "Petite entreprise soumise au régime de la franchise de taxe",
        "DE": "Steuerbefreiung für Kleinunternehmer (§ 19 UStG)",
        "FR": "TVA non applicable, art. 293 B du CGI",
    }
)

_DEDUCTIONS: Final = (
    "Prepayment %s of %s", "Anzahlung %s vom %s", "Acompte %s du %s", "Anticipo %s de %s", "Vooruitbetaling %s van %s",
    "Acconto %s del %s", "Zaliczka %s z dnia %s",
)  # fmt: skip

_FRENCH_PENALTY: Final = MappingProxyType(
    {
        "fr": "Pénalités de retard : trois fois le taux d'intérêt légal (art. L441-10 du Code de commerce).",
        "en": "Late payment penalty: three times the French statutory interest rate (art. L441-10 Code de commerce).",
        "de": "Verzugszinsen: das Dreifache des französischen gesetzlichen Zinssatzes (Art. L441-10 Code de commerce).",
    }
)
_FRENCH_FEE: Final = MappingProxyType(
    {
        "fr": "Indemnité forfaitaire pour frais de recouvrement en cas de retard de paiement : 40 €.",
        "en": "Fixed compensation for recovery costs in the event of late payment: €40.",
        "de": "Pauschale Entschädigung für Beitreibungskosten bei Zahlungsverzug: 40 €.",
    }
)
_FRENCH_NO_DISCOUNT: Final = MappingProxyType(
    {
        "fr": "Pas d'escompte pour paiement anticipé.",
        "en": "No discount for early payment.",
        "de": "Kein Skonto bei vorzeitiger Zahlung.",
    }
)
_BRITISH_DISCOUNT: Final = (
    "No credit note will be issued for a discount taken. Following payment you must ensure you have only recovered the "
    "VAT actually paid."
)
_INVOICE: Final = MappingProxyType(
    {
        "en": "Invoice %s",
        "de": "Rechnung %s",
        "fr": "Facture %s",
        "es": "Factura %s",
        "it": "Fattura %s",
        "nl": "Factuur %s",
        "pl": "Faktura %s",
    }
)
_AS_ON: Final = MappingProxyType(
    {
        "en": "VAT as stated on invoice %s",
        "de": "Umsatzsteuer wie auf Rechnung %s ausgewiesen",
        "fr": "TVA indiquée sur la facture %s",
        "es": "IVA indicado en la factura %s",
        "it": "IVA indicata nella fattura %s",
        "nl": "btw zoals vermeld op factuur %s",
        "pl": "VAT wykazany na fakturze %s",
    }
)


def exemption(category: Category, language: str) -> str | None:
    """Why no VAT is charged (BT-120), in the document's language; None for S and Z, which have no reason."""
    texts = _EXEMPTIONS.get(category)
    return None if texts is None else texts[_LANGUAGES.index(primary(language))]


def small_business(country: str) -> str | None:
    """What a seller that is exempt as a small business prints (Directive 2006/112/EC Art. 284), where a law has its own
    words."""
    return _SMALL_BUSINESS.get(country)


def deduction(number: str, issued_on: date, language: str) -> str:
    """The line of a final invoice that takes a paid prepayment off."""
    return _DEDUCTIONS[_LANGUAGES.index(primary(language))] % (number, issued_on.isoformat())


def invoice(number: str, language: str) -> str:
    """The one line of an invoice issued elsewhere of which only the total is known."""
    return _in(_INVOICE, language) % number


def as_on(number: str, language: str) -> str:
    """Why no VAT is stated beside what an invoice issued elsewhere has stated already."""
    return _in(_AS_ON, language) % number


def notes(seller_country: str, customer_kind: str, language: str, discount: bool) -> tuple[Note, ...]:
    """The notes a seller of that country prints (BG-1), with their subject (UNTDID 4451) where one is agreed.

    France, between professionals: Code de commerce L441-9 and L441-10, D441-5; subjects as FNFE-MPE writes them.
    Britain, where a discount is offered: HMRC Revenue and Customs Brief 49 (2014).
    """
    if seller_country == "FR" and customer_kind != "consumer":
        found = [Note(_in(_FRENCH_FEE, language), "PMT"), Note(_in(_FRENCH_PENALTY, language), "PMD")]
        return (*found, *(() if discount else (Note(_in(_FRENCH_NO_DISCOUNT, language), "AAB"),)))
    if seller_country == "GB" and discount:
        return (Note(_BRITISH_DISCOUNT),)
    return ()


def primary(language: str) -> str:
    """`de` for `de-AT`; English where there are no words."""
    found = language[:2].lower()
    return found if found in _LANGUAGES else "en"


def _in(texts: Mapping[str, str], language: str) -> str:
    return texts.get(primary(language), texts["en"])
