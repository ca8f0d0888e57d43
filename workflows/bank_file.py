"""A bank's statement file, from the archive to the books: read it or refuse it whole, book its lines part by part, tell
the receivables. Every part is one transaction; after a crash the next one goes on where the books stand."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from temporalio import workflow

from domain.details import escape
from domain.errors import Invalid
from schemas.incoming import Booked, FileHint, FileStep, file_workflow_id, parse_file_hint
from workflows import steps
from workflows.payloads import of_file

SHOWN = 10
MOST = 4000  # bytes of details that the server keeps


@workflow.defn(name="BankFile")
class BankFile:
    def __init__(self) -> None:
        self.hint: FileHint | None = None
        self.state = "reading"
        self.said = Booked(outcome="the file is being read")

    @workflow.query(name="status", description="What was booked of the file, and what a person must see.")
    def status(self, *_: Any) -> dict[str, Any]:
        return self._status()

    @workflow.run
    async def run(self, body: Any = None, *extra: Any) -> dict[str, Any]:
        try:
            self.hint, position, after = read((body, *extra))
        except Invalid as error:
            self._take("refused", Booked(outcome="refused: unreadable", problems=error.problems))
            return self._status()
        said = await steps.read_statement(FileStep(hint=self.hint, now=workflow.now()))
        self._take("refused" if said.problems else "booking", said)
        if not said.problems:
            await self._book(self.hint, position, after)
        return self._status()

    async def _book(self, hint: FileHint, position: int, after: str) -> None:
        """Part by part; the receivables of a part hear of it before the next one."""
        more = True
        while more:
            step = FileStep(hint=hint, now=workflow.now(), position=position, after=after)
            said = await steps.book_statement(step)
            position, after, more = said.position, said.after, said.more
            self._take("booking" if more else "done", said)
            await steps.tell(said.told)
            if more and workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(args=[asdict(hint), position, after])

    def _take(self, state: str, said: Booked) -> None:
        self.state, self.said = state, said
        workflow.set_current_details(self._details())

    def _status(self) -> dict[str, Any]:
        report, hint = self.said.report, self.hint
        return {
            "contract": 1,
            "id": workflow.info().workflow_id,
            "seller": hint.seller if hint else None,
            "object": hint.object if hint else None,
            "state": self.state,
            "outcome": self.said.outcome,
            "lines": report.lines if report else 0,
            "known": report.known if report else 0,
            "left": report.left if report else 0,
            "counts": report.counts if report else {},
            "exceptions": [asdict(question) for question in report.questions] if report else [],
            "problems": [{"path": p.path, "message": p.message} for p in self.said.problems],
        }

    def _details(self) -> str:
        """Counts and keys; what the bank wrote stays in the books."""
        report = self.said.report
        lines = [f"**{self.state}** {escape(self.said.outcome)}", ""]
        lines += [f"- {escape(str(problem))}" for problem in self.said.problems[:SHOWN]]
        if report is not None:
            lines += [f"- {count} {rule.replace('_', ' ')}" for rule, count in sorted(report.counts.items())]
            lines += [f"- {escape(q.text)}: `{q.command}`" for q in report.questions[:SHOWN]]
        return "\n".join(lines).encode()[:MOST].decode(errors="ignore")


def read(payloads: tuple[Any, ...]) -> tuple[FileHint, int, str]:
    """Which file, and how far an earlier run of this workflow got. The workflow id must name the same file."""
    position, after = -1, ""
    if (told := of_file(payloads)) is not None:
        payloads, (position, after) = payloads[:1], told
    hint = parse_file_hint(payloads)
    if workflow.info().workflow_id != file_workflow_id(hint):
        raise Invalid.at("object", f"the workflow id must be {file_workflow_id(hint)}")
    return hint, position, after
