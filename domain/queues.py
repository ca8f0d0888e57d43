"""The task queues that work is split over where an operator wants it split, and the one that a message goes to.

Names only. Whether it is split is said by the books with every outcome, who serves which by a worker's settings.
"""

from __future__ import annotations

from domain.messages import PAPERS

WORKFLOW, MAIL, DOCUMENTS = "workflow", "mail", "documents"
KINDS = (WORKFLOW, MAIL, DOCUMENTS)


def named(queue: str, kind: str) -> str:
    """The queue of that kind beside `queue`, which itself takes workflow tasks and the steps of the books."""
    return queue if kind == WORKFLOW else f"{queue}-{kind}"


def kind_of(message: str) -> str:
    """Where a message of kind `message` waits: with those whose document is rendered first, or with plain mails."""
    return DOCUMENTS if message in PAPERS else MAIL
