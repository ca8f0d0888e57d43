"""The morning sheet as HTML: which facts go into which part of the page, in the seller's language. It decides
nothing."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from typing import Any

from adapters import formats
from adapters.books.sheet_page import SheetPage
from domain.sheets import Item, Pending, Reason, Task
from gateway.templates import Words, show

OPEN = ("held", "would_send")
"""States of a message about which the owner can still say something."""


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one message: `refused` says why nothing did."""

    item: Item
    yes: bool
    refused: str = ""


def sheet_html(
    found: SheetPage,
    seal: str,
    done: Sequence[Done],
    problem: str,
    ticked: Container[str],
    mark: Callable[[str], str],
) -> str:
    """`problem`: a word of the page's table that says what the form lacks; `ticked`: marks that were sent with it."""
    words = Words(found.language, staff=True)
    t, sheet = words["sheet"], found.sheet
    waiting = [item for item in sheet.items if found.states.get(item.key) in OPEN and item.key not in found.said]
    decided = [item for item in sheet.items if item not in waiting]
    only_recorded = bool(waiting) and all(found.states[item.key] == "would_send" for item in waiting)
    return show(
        "sheet.html",
        words,
        s=t,
        title=t["title"] % words.day(sheet.day),
        seller=formats.clean(found.seller_name),
        owner=formats.clean(found.owner_name),
        seal=seal,
        shadow=only_recorded,
        waiting=[
            {**_item(item, words), "mark": mark(item.key), "ticked": mark(item.key) in ticked} for item in waiting
        ],
        decided=[{**_item(item, words), "state": _state(item, found, t)} for item in decided],
        planned=[_item(item, words) for item in sheet.planned],
        planned_title=t["planned"][sheet.mode],
        held=[_reason(reason, t) for reason in sheet.held],
        withheld=t["holds"] % sheet.withheld if sheet.withheld else "",
        tasks=[_task(task, words, task.id in found.open_tasks) for task in (*sheet.disputes, *sheet.tasks)],
        pending=[_pending(each, words) for each in sheet.pending],
        more=sum(sheet.more.values()),
        done=[_done(each, t) for each in done],
        problem=t[problem] if problem else "",
    )


def _item(item: Item, words: Words) -> dict[str, str]:
    t = words["sheet"]
    due = ""
    if item.due_on is not None:
        due = t["was_due" if item.days_late else "due"] % words.day(item.due_on)
    what = " ".join(filter(None, (t["kind"].get(item.kind, item.kind), item.rung)))
    amount = words.money(item.amount, item.currency)
    return {
        "name": f"{formats.clean(item.number)} · {formats.clean(item.customer)}",
        "facts": " · ".join(filter(None, (what, amount, due))),
    }


def _state(item: Item, found: SheetPage, t: dict[str, Any]) -> str:
    said = found.said.get(item.key)
    state = found.states.get(item.key, "")
    if state in OPEN and said is not None:
        return str(t["said"][said])
    return str(t["state"].get(state, state.replace("_", " ")))


def _reason(reason: Reason, t: dict[str, Any]) -> str:
    told = t["because"].get(reason.code, reason.code.replace("_", " "))
    rest = " …" if reason.count > len(reason.numbers) else ""
    return f"{reason.count} {told}: {', '.join(map(formats.clean, reason.numbers))}{rest}"


def _pending(each: Pending, words: Words) -> dict[str, str]:
    t = words["sheet"]
    facts = [each.subject, words.money(each.amount, each.currency), t["open_since"] % words.day(each.opened_on)]
    facts += [t["may_approve"] % ", ".join(each.able)] if each.able else []
    name = f"{formats.clean(each.number)} · {formats.clean(each.customer)}"
    return {"name": name, "facts": formats.clean(" · ".join(facts))}


def _task(task: Task, words: Words, still_open: bool) -> dict[str, Any]:
    t = words["sheet"]
    name = " · ".join(filter(None, (task.kind.replace("_", " "), task.number, task.customer)))
    facts = [t["open_since"] % words.day(task.opened_on)]
    if not still_open:
        facts = [t["settled"]]
    elif task.deadline is not None:
        facts.append(t["overdue" if task.overdue else "decide_by"] % words.day(task.deadline))
    return {"name": formats.clean(name), "facts": " · ".join(facts), "overdue": task.overdue and still_open}


def _done(each: Done, t: dict[str, Any]) -> dict[str, str]:
    name = formats.clean(each.item.number)
    if each.refused:
        return {"name": name, "text": t["refused"] % formats.clean(each.refused), "mark": "note"}
    return {"name": name, "text": t["taken" if each.yes else "vetoed"], "mark": "good"}
