"""Signed links that are none: forged, cut, made for another purpose or by another house, on every path that takes one.
The paths come from the app, so that a new one is tried the day it is there."""

from __future__ import annotations

import base64

from domain import links
from tests.security.conftest import FORM, PURPOSES, Front

ALL = sorted({*PURPOSES.values(), links.SESSION})


def text(raw: str) -> str:
    return base64.urlsafe_b64encode(raw.encode()).rstrip(b"=").decode()


def bad_ones(front: Front, purpose: str) -> dict[str, str]:
    """Name and token of everything that must not open a door of this purpose."""
    subject = front.subject(purpose)
    good = front.token(purpose)
    named, _, mac = good.partition(".")
    other = front.theirs.id
    swapped = "A" if good[-1] != "A" else "B"
    return {
        **{f"made for {each}": links.token(front.secret, each, subject) for each in ALL if each != purpose},
        "made by another house": links.token("another secret of 32 characters!!", purpose, subject),
        "no receivable": front.token(purpose, "invoice-demo-NONE"),
        "another's name on our seal": f"{text(other)}.{mac}",
        "cut at the end": good[:-1],
        "longer": f"{good}A",
        "last character": good[:-1] + swapped,
        "first character": ("A" if good[0] != "A" else "B") + good[1:],
        "no seal": named,
        "empty seal": f"{named}.",
        "no name": f".{mac}",
        "padded": f"{named}=.{mac}",
        "other case": good.swapcase(),
        "name in clear": f"{subject.replace('/', '%2F')}.{mac}",
        "empty name with its seal": links.token(front.secret, purpose, ""),
        "dots": ".." + "." * 40,
        "long": "A" * 5_000,
        "nul": "%00",
        "not ascii": "%C3%A4.%C3%B6",
        "traversal": "..%2f..%2fetc%2fpasswd",
        "template": "%7B%7B7*7%7D%7D",
    }


def token_routes(front: Front) -> list[tuple[str, str, str]]:
    """(method, path, purpose) of each route that takes a token."""
    found = []
    for method, route in front.routes:
        if "{token}" in route.path:
            first = route.path.split("/")[1]
            assert first in PURPOSES, f"{route.path}: say in PURPOSES what its links are for"
            found.append((method, route.path, PURPOSES[first]))
    return found


def filled(path: str, token: str) -> str:
    """Other parameters of the path get something that exists, or could."""
    parts = path.replace("{token}", token).split("/")
    return "/".join("pdf" if part.startswith("{") else part for part in parts)


async def test_no_false_token_opens_anything(front: Front) -> None:
    tried = token_routes(front)
    assert {path for _, path, _ in tried} >= {"/i/{token}", "/pay/{token}", "/v/{token}", "/c/{token}"}
    for method, path, purpose in tried:
        said: dict[str, str] = {}
        for name, token in bad_ones(front, purpose).items():
            answer = await front.ask(method, filled(path, token), headers={"Accept": "text/html"})
            if answer.status_code == 303:  # a form's address that was typed in: back to its page, which says no
                assert answer.headers["location"].startswith("/i/"), (method, path, name)
                answer = await front.ask("GET", answer.headers["location"], headers={"Accept": "text/html"})
            assert answer.status_code in (404, 403, 415), (method, path, name, answer.status_code)
            assert front.ours.reference not in answer.text, (method, path, name)
            assert "Globex" not in answer.text, (method, path, name)
            said[name] = f"{answer.status_code} {answer.text}"
        routed = {text for name, text in said.items() if name not in {"traversal", "dots"}}
        assert len(routed) == 1, f"{method} {path} tells one wrong token from another"


async def test_the_good_token_of_each_purpose_opens_its_own_path_only(front: Front) -> None:
    """So that the table above fails for the right reason."""
    for first in ("i", "v"):
        answer = await front.ask("GET", f"/{first}/{front.token(PURPOSES[first])}")
        assert answer.status_code == 200, first
        for other in PURPOSES:
            if PURPOSES[other] != PURPOSES[first]:
                wrong = await front.ask("GET", f"/{other}/{front.token(PURPOSES[first])}")
                assert wrong.status_code == 404, (first, other)


async def test_a_revoked_link_is_as_unknown_as_a_false_one(front: Front) -> None:
    from datetime import UTC, datetime

    from adapters.books import revoking

    token = front.token(links.CUSTOMER)
    page = await front.ask("GET", f"/i/{token}")
    sealed = FORM.search(page.text)
    assert sealed is not None
    revoking.revoke_customers(front.engine, front.ours.id, "sam", datetime.now(UTC))
    for method, path, purpose in token_routes(front):
        if purpose == links.CUSTOMER:
            answer = await front.ask(method, filled(path, token), cookies=page.cookies, data={"form": sealed[1]})
            if answer.status_code == 303:
                answer = await front.ask("GET", answer.headers["location"])
            assert answer.status_code == 404, (method, path)
    fresh = links.token(front.secret, links.CUSTOMER, links.customer_subject(front.ours.id, 1))
    assert (await front.ask("GET", f"/i/{fresh}")).status_code == 200


async def test_a_form_counts_on_its_own_page_in_its_own_browser_only(front: Front) -> None:
    """CSRF and replay: without the seal, with another page's, from another browser, from another site."""
    token, other = front.token(links.CUSTOMER), front.token(links.CUSTOMER, front.theirs.id)
    page, stranger = await front.ask("GET", f"/i/{token}"), await front.ask("GET", f"/i/{other}")
    assert page.cookies
    sealed, foreign = (FORM.search(each.text) for each in (page, stranger))
    assert sealed is not None
    assert foreign is not None
    tries = {
        "no seal": ({}, page.cookies, {}),
        "no cookie": ({"form": sealed[1]}, None, {}),
        "another page's": ({"form": foreign[1]}, page.cookies, {}),
        "another browser": ({"form": sealed[1]}, stranger.cookies, {}),
        "another site says so": ({"form": sealed[1]}, page.cookies, {"Sec-Fetch-Site": "cross-site"}),
        "a sister site": ({"form": sealed[1]}, page.cookies, {"Sec-Fetch-Site": "same-site"}),
        "another origin": ({"form": sealed[1]}, page.cookies, {"Origin": "https://evil.example"}),
    }
    for method, path, purpose in token_routes(front):
        if method == "POST" and purpose == links.CUSTOMER:
            for name, (data, cookies, headers) in tries.items():
                answer = await front.ask("POST", filled(path, token), data=data or {"x": "1"}, cookies=cookies,
                                         headers=headers)  # fmt: skip
                assert answer.status_code == 403, (path, name, answer.status_code)
            good = await front.ask("POST", filled(path, token), data={"form": sealed[1]}, cookies=page.cookies)
            assert good.status_code not in (403, 404), (path, good.status_code)


async def test_every_page_that_takes_a_form_asks_for_its_seal(front: Front) -> None:
    """Of all routes that people post to: whatever their link, nothing is done without the seal."""
    for method, route in front.routes:
        if method != "POST" or route.path.startswith(("/v1", "/webhooks")) or route.path.endswith("code"):
            continue
        token = front.token(PURPOSES[route.path.split("/")[1]]) if "{token}" in route.path else ""
        answer = await front.ask("POST", filled(route.path, token), data={"x": "1"})
        assert answer.status_code in (403, 404), (route.path, answer.status_code)
