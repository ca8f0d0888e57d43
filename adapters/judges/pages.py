"""PDF/A-3a and PDF/UA-1 in Python, by the package `page-validation`. The standards are asked for by name: what a file
claims about itself may be weaker."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.judges.port import Part, Verdict

_STANDARDS = {"3a": "page PDF/A-3a", "ua1": "page PDF/UA-1"}


class PdfRules:
    def judge(self, parts: Sequence[Part]) -> list[Verdict]:
        return [verdict for part in parts if part.path.suffix == ".pdf"
                for verdict in pdf_verdicts(part.path.read_bytes(), part.file)]  # fmt: skip


def pdf_verdicts(pdf: bytes, file: str = "document") -> list[Verdict]:
    """Two: as an archive file, and as an accessible one."""
    return [Verdict(file, name, _problems(pdf, standard)) for standard, name in _STANDARDS.items()]


def _problems(pdf: bytes, standard: str) -> tuple[str, ...]:
    import page

    try:
        report = page.validate_pdf_bytes(pdf, profile=standard)
    except page.PageError as error:
        return (f"cannot be read: {error}",)
    found = dict.fromkeys(f"{failure.rule_id}: {failure.message}" for failure in report.failures)
    if not (found or report.is_compliant):
        return ("not compliant, without a reason",)
    return tuple(found)
