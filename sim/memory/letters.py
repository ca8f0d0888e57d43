"""Letters of the books in memory: whom and what about, without words and without a document. What they say is proved
elsewhere."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from adapters.books.papers import Filed
from adapters.letters import Letter
from adapters.mail.port import Address, Message
from domain.errors import NotFound
from domain.keys import document_of
from domain.messages import PAPERS
from sim.memory.books import Books


class Letters:
    """Composes as `adapters.letters.Composer` does."""

    def compose(self, books: Books, key: str, now: datetime) -> Letter:
        found = books.letter(key)
        if found is None:
            raise NotFound(f"there is no message {key}")
        row, letter = found
        sent = letter.message
        paper = document_of(sent.subject or "") if sent.kind in PAPERS else ""
        message = Message(
            key=key,
            kind=sent.kind,
            invoice=row.id,
            rung=sent.rung,
            sender=Address(row.seller.facts.name, row.seller.facts.email or ""),
            to=(Address("", sent.to),),
            reply_to="",
            subject=letter.template,
            text="",
            html="",
            language=row.content.language,
            at=now,
        )
        return Letter(message, Filed(f"sha256:{sha256(paper.encode()).hexdigest()}") if paper else None)
