"""Draws the plan of a town: which lives, what they do, what goes wrong. The same seed and number, the same plan."""

from __future__ import annotations

from dataclasses import replace

from sim import debtors, mishaps
from sim.dice import dice, drawn
from sim.plan import DAY, Life, Plan

TOWN = 25
"""Lives that share books."""
MOVING_IN = 40 * DAY


def plan_of(seed: int, town: int, lives: int = TOWN) -> Plan:
    """`lives`: only so many of the town; what is drawn for it stays the same."""
    random = dice(seed, "town", town)
    plan = Plan(seed=seed, town=town, start=mishaps.start(random), mail=drawn(random, mishaps.MAILS), lives=())
    inhabitants = tuple(life_of(seed, town * TOWN + n, plan.days) for n in range(lives))
    return replace(
        plan,
        lives=inhabitants,
        outages=mishaps.outages(random, plan.days),
        clock=mishaps.clock(random, plan.days),
        events=mishaps.stops(random, plan.days, tuple(debtors.CUSTOMERS)),
    )


def life_of(seed: int, number: int, days: int) -> Life:
    """Drawn from its own dice: what is drawn for a neighbour changes nothing."""
    random, again = dice(seed, "life", number), dice(seed, "again", number)
    fate = drawn(random, debtors.FATES)
    request, gross, due = debtors.request(random, number, fate)
    events = debtors.LIVES[fate](random, due * DAY)
    return Life(
        number=number,
        fate=fate,
        starts=random.randint(0, MOVING_IN),
        request=request,
        gross=gross,
        manners=debtors.manners(random, fate),
        events=mishaps.disordered(random, events, due * DAY + 20 * DAY),
        faults=mishaps.faults(random),
        evictions=mishaps.evictions(random),
        continues=mishaps.continues(again),
        delays=mishaps.delays(random),
        bounces=tuple(n for n in range(1, 5) if random.random() < 0.05),
        repeats=mishaps.repeats(again),
    )
