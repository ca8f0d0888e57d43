"""The customer's wish to pay now, as an Update of the receivable. It runs beside the loop, so that a mail outage keeps
nobody from paying, and one after the other, so that two clicks open one page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError

from schemas.incoming import Checkout, CheckoutStep
from workflows import steps

NAME = "checkout"


def checkout() -> Callable[..., Any]:
    """The Update, for a class with a flag `at_till`. `{"everything": true}` asks for the whole balance; whatever
    else is sent means what settles it now. Never refuses: `unavailable` when the provider does not answer."""

    async def update(self: Any, body: Any = None, *_: Any) -> Checkout:
        everything = isinstance(body, dict) and body.get("everything") is True
        await workflow.wait_condition(lambda: not self.at_till)
        self.at_till = True
        step = CheckoutStep(workflow_id=workflow.info().workflow_id, now=workflow.now(), everything=everything)
        try:
            return await steps.checkout(step)
        except ActivityError:
            return Checkout(state="unavailable")
        finally:
            self.at_till = False

    update.__name__ = update.__qualname__ = NAME
    return workflow.update(name=NAME, description="Where the customer pays now: minted or reused.")(update)
