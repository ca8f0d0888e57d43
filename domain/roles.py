"""Who may give which command, and which commands move money out (CONTRACT, sections 4 and 11).

It looks at the person and the command only. Limits, four eyes and votes are `domain/approval.py`.
"""

from __future__ import annotations

from datetime import date

from domain.account import Person
from domain.errors import NotAllowed, Refused

APPROVER, CONTROLLER, OWNER, MACHINE = "approver", "controller", "owner", "machine"

_APPROVERS = frozenset({APPROVER, CONTROLLER})
_CONTROLLERS = frozenset({CONTROLLER})
_OWNERS = frozenset({OWNER})

ROLES: dict[str, frozenset[str]] = {
    "approve": _APPROVERS,
    "reject": _APPROVERS,
    "resolve": _APPROVERS,
    "send": _APPROVERS | _OWNERS,
    "skip": _APPROVERS | _OWNERS,
    # Safe for everyone on the staff: an amendment voids the approvals and its author may not give a new one.
    "amend": _APPROVERS | _OWNERS | {MACHINE},
    "cancel": _CONTROLLERS | {MACHINE},
    "credit": _CONTROLLERS,
    "write_off": _CONTROLLERS,
    "refund": _CONTROLLERS,
    "hand_over": _CONTROLLERS,
    "extend": _CONTROLLERS,
    "plan": _CONTROLLERS,
    "accelerate": _CONTROLLERS,
    "pay": _CONTROLLERS | _OWNERS,
    "hold": _CONTROLLERS | _OWNERS,
    "release": _CONTROLLERS | _OWNERS,
    "resend": _OWNERS,
    "assign": _OWNERS,
    "escalate": _OWNERS,
}
"""Command -> the roles of which one suffices."""

ANYONE = frozenset({"dispute", "promise", "note"})
"""Taken from anybody as a claim; `by` is not looked up."""

MONEY_OUT = frozenset({"credit", "write_off", "refund", "resolve", "cancel", "pay", "extend"})
"""Commands that may need approval of their own; `money_out` says when."""

DECIDERS = _APPROVERS | _OWNERS
"""Who may settle an exception by a word alone, or give it to somebody else."""

LONG_EXTENSION_DAYS = 30
"""A due date moved further than this gives away as much as a credit (cf. Directive 2011/7/EU Art. 4(3))."""


def roles_of(person: Person) -> frozenset[str]:
    """A machine has no role but its own, whatever its row says."""
    return frozenset({MACHINE}) if person.machine or MACHINE in person.roles else frozenset(person.roles)


def absent(person: Person, today: date) -> bool:
    """From the first to the last day of an absence, both included."""
    first, last = person.absent_from, person.absent_until
    return first is not None and last is not None and first <= today <= last


def check(
    command: str, by: str, person: Person | None, before_issue: bool, claims: frozenset[str] = frozenset()
) -> None:
    """Raises `NotAllowed` with what would help unless `by` may give `command`; `person` is whom the key `by`
    names at this seller, None when nobody. `claims`: what a policy takes from anybody besides `ANYONE`. `Refused` for a
    command that does not exist."""
    if command in ANYONE | claims:
        return
    if command not in ROLES:
        raise Refused(f"there is no command {command}; there are {', '.join(sorted(set(ROLES) | ANYONE))}")
    needed = ROLES[command]
    held = _checked(command, by, person, needed)
    if command == "cancel" and MACHINE in held and not before_issue:
        raise NotAllowed(f"{by} is a machine and may cancel only before issue; ask {_either(needed - {MACHINE})}")


def decides(person: Person | None) -> bool:
    """Whether what this person does is a decision on what waits for one. What anybody may claim is none."""
    return person is not None and person.active and bool(roles_of(person) & DECIDERS)


def check_decider(what: str, by: str, person: Person | None) -> None:
    """The same for what is said about an exception and not to a receivable."""
    _checked(what, by, person, DECIDERS)


def _checked(what: str, by: str, person: Person | None, needed: frozenset[str]) -> frozenset[str]:
    """The roles `by` holds. NotAllowed unless one of them is `needed`."""
    if person is None:
        raise NotAllowed(f"{by} is not a person this seller knows; {what} needs {_either(needed)}")
    if not person.active:
        raise NotAllowed(f"{by} is no longer active; ask {_either(needed)}")
    held = roles_of(person)
    if not held & needed:
        roles = ", ".join(sorted(held)) or "no role"
        raise NotAllowed(f"{by} has {roles}; {what} needs {_either(needed)}")
    return held


def money_out(
    command: str, person: Person, *, before_issue: bool, outcome: str | None = None, extended_days: int = 0
) -> bool:
    """Whether this command gives money or a claim to it away, so that the approval tiers run first.

    `outcome` is that of `resolve`; `extended_days` how far `extend` moves the due date. A hand-kept `pay` of
    a controller books at once; anybody else's waits, whatever its amount (`tier_for(..., warned=True)`).
    """
    match command:
        case "credit" | "write_off" | "refund":
            return True
        case "resolve":
            return outcome in {"accepted", "partly"}
        case "cancel":
            return not before_issue
        case "pay":
            return CONTROLLER not in roles_of(person)
        case "extend":
            return extended_days > LONG_EXTENSION_DAYS
    return False


def _either(roles: frozenset[str]) -> str:
    *rest, last = sorted(roles)
    text = f"{', '.join(rest)} or {last}" if rest else last
    return f"an {text}" if text[0] in "aeo" else f"a {text}"
