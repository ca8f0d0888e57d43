"""What money does to a receivable: which dues are open, what may be chased, what a receipt settles, when it
is over.

All amounts are minor units of the account's currency. It looks at the books as they are and never changes
them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from domain import calendar
from domain.account import BEFORE_ISSUE, Account, DiscountStep, Due, Phase, Subject
from domain.errors import Invalid, Refused
from domain.policy import Policy


@dataclass(frozen=True, slots=True)
class Settlement:
    """What one receipt does: `allocate` goes to the receivable, `credit` stays as the customer's credit,
    `discount` and `small_difference` are waived. allocate + credit = the receipt; allocate + waived never
    exceed the balance."""

    allocate: int
    discount: int = 0
    small_difference: int = 0
    credit: int = 0


def open_dues(account: Account) -> tuple[tuple[Due, int], ...]:
    """The dues with something left, oldest first, and how much. Whatever settled a part fills the oldest due
    first; charges ride on the last. The amounts sum to the balance, or to nothing when it is not above
    zero."""
    dues = _oldest_first(account)
    left = max(account.balance, 0)
    amounts = [0] * len(dues)
    for at in range(len(dues) - 1, -1, -1):
        room = dues[at].amount + (account.charges if at == len(dues) - 1 else 0)
        amounts[at] = min(left, room)
        left -= amounts[at]
    if dues:
        amounts[-1] += left
    return tuple((due, amount) for due, amount in zip(dues, amounts, strict=True) if amount > 0)


def chaseable(account: Account) -> tuple[tuple[Due, int], ...]:
    """`open_dues` less what is disputed or promised, which is taken from the latest dues first, so that the
    oldest undisputed debt is chased, and less a payment under way, which fills the oldest. The amounts sum to
    balance − disputed − promised − pending, or to nothing."""
    rest = _less(reversed(open_dues(account)), account.disputed + account.promised)
    return tuple(_less(reversed(rest), account.pending_payment))


def undisputed(account: Account) -> tuple[tuple[Due, int], ...]:
    """`open_dues` less what is disputed, which is taken from the latest dues first."""
    return tuple(reversed(_less(reversed(open_dues(account)), account.disputed)))


def discount_now(account: Account, policy: Policy, on: date) -> int:
    """What may be deducted if everything left is paid on that date, 0 when no step is open any more.

    The percentage of the best open step (`until` plus `discount_grace_days`), HALF_UP, of total − credited: a
    credit note reduces the discount too, charges earn none. Disputed amounts stay in: while they are open
    they are owed, and a dispute does not lengthen the discount window. Granted once only, never more than the
    balance, and not from the day on which instalments were agreed.
    """
    return open_discount(account, policy, on)[0]


def open_discount(account: Account, policy: Policy, on: date) -> tuple[int, date | None]:
    """`discount_now`, and the last day on which it may be deducted."""
    zone = account.seller_place.timezone
    agreed = any(calendar.local_date(plan.made_at, zone) <= on for plan in account.plans)
    if account.discounted > 0 or account.balance <= 0 or agreed:
        return 0, None
    base = max(account.total - account.credited, 0)
    amount, until = permitted(account.discounts, base, on, policy)
    return min(amount, account.balance), until


def permitted(steps: Sequence[DiscountStep], base: int, on: date, policy: Policy) -> tuple[int, date | None]:
    """The discount on `base` by the best step that is open on that date, HALF_UP, and its last day with the grace."""
    grace = timedelta(days=policy.discount_grace_days)
    still = [(Decimal(step.percent), step.until + grace) for step in steps if on <= step.until + grace]
    if not still:
        return 0, None
    percent, until = max(still)
    return int((base * percent / 100).quantize(Decimal(1), ROUND_HALF_UP)), until


def settle(account: Account, amount: int, received_on: date, policy: Policy, offered: int = 0) -> Settlement:
    """What a receipt of `amount` > 0 settles; `Invalid` otherwise. `offered`: a discount that the customer was promised
    for exactly this amount, which stands whatever else is still open.

    A discount is taken only if the balance is then zero, give or take `small_difference`; less than the
    permitted discount may be deducted, and so much is granted. Without one, a shortfall within
    `small_difference` is waived.
    """
    if amount <= 0:
        raise Invalid.at("amount", "must be more than zero")
    balance = max(account.balance, 0)
    if amount >= balance:
        return Settlement(allocate=balance, credit=amount - balance)
    short = balance - amount
    small = policy.small_difference.get(account.currency, 0)
    if offered and not account.discounted:
        rest = max(0, short - offered)
        return Settlement(allocate=amount, discount=short - rest, small_difference=rest if rest <= small else 0)
    allowed = discount_now(account, policy, received_on)
    if short <= small and short < allowed - small:
        return Settlement(allocate=amount, small_difference=short)
    if allowed and short <= allowed + small:
        discount = min(short, allowed)
        return Settlement(allocate=amount, discount=discount, small_difference=short - discount)
    if short <= small:
        return Settlement(allocate=amount, small_difference=short)
    return Settlement(allocate=amount)


def bank_fee(account: Account, amount: int, kept: int, received_on: date, policy: Policy) -> int:
    """What of `kept`, which a bank held back from a receipt of `amount` > 0, is borne by us: as much as then settles
    the receivable, nothing when it is settled without, or not even with it."""
    if kept <= 0 or _short(account, settle(account, amount, received_on, policy), waive_small=False) == 0:
        return 0
    outcome = settle(account, amount + kept, received_on, policy)
    return outcome.allocate - amount if _short(account, outcome, waive_small=True) == 0 else 0


def _short(account: Account, outcome: Settlement, waive_small: bool) -> int:
    """What is still owed after `outcome`."""
    waived = outcome.discount + (outcome.small_difference if waive_small else 0)
    return max(account.balance, 0) - outcome.allocate - waived


def creditable(account: Account) -> int:
    """What a credit note may still take back: what is owed, and what was paid to us. Neither what was credited, waived
    or lost before, nor what a bank or a tax office kept: that is not ours to give back."""
    return account.total - account.credited - account.discounted - account.written_off - account.withheld


def lost(account: Account) -> bool:
    """Whether it ended with a loss that a payment would still recover."""
    return account.phase is Phase.WRITTEN_OFF and account.bad_debt > 0


def whole_credit(account: Account) -> int:
    """What a credit of everything comes to. Refused when nothing is left of it."""
    amount = creditable(account)
    if amount <= 0:
        raise Refused("everything is credited or written off already")
    return amount


def extendable(account: Account, asked_for: str = "") -> Due:
    """The due that an extension moves: the oldest that is open, or the one that it was asked for. Refused when that is
    settled by now: another date is another question."""
    still_open = [due for due, amount in open_dues(account) if amount > 0]
    if not still_open:
        raise Refused("nothing is due any more")
    found = next((due for due in still_open if asked_for in ("", due.id)), None)
    if found is None:
        raise Refused(f"due {asked_for}, whose extension was asked for, is settled; reject this and ask for another")
    return found


def moot(account: Account) -> tuple[Subject, ...]:
    """What waits for approval and has nothing left to decide: nothing is owed, or nothing is left to credit."""
    owes, back = account.balance > 0, creditable(account) > 0
    return tuple(
        subject
        for subject in account.subjects
        if (subject.kind in {"write_off", "extend"} and not owes)
        or (subject.kind in {"credit", "cancel", "resolve"} and not back)
    )


def close_phase(account: Account) -> Phase | None:
    """How an issued receivable ends, None while something is owed or waits for approval.

    `WRITTEN_OFF` as soon as a part was lost, `CREDITED` when credit notes did it and nothing was paid, else
    `PAID` (a total of zero too).
    """
    if account.phase is Phase.CANCELLED:
        return Phase.CANCELLED
    if account.phase in BEFORE_ISSUE or account.balance > 0 or account.subjects:
        return None
    if account.bad_debt > 0:
        return Phase.WRITTEN_OFF
    if account.credited > 0 and account.paid == 0:
        return Phase.CREDITED
    return Phase.PAID


def _less(dues: Iterable[tuple[Due, int]], amount: int) -> list[tuple[Due, int]]:
    """What is left when `amount` is taken from the dues in this order."""
    rest: list[tuple[Due, int]] = []
    for due, open_ in dues:
        taken = min(open_, amount)
        amount -= taken
        if open_ > taken:
            rest.append((due, open_ - taken))
    return rest


def _oldest_first(account: Account) -> list[Due]:
    return sorted(account.dues, key=lambda due: due.due_on)
