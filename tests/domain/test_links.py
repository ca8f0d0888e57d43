"""Links that cannot be guessed, changed, or used for something else."""

from __future__ import annotations

import string

from hypothesis import given
from hypothesis import strategies as st

from domain import links

SECRET = "s" * 32
subjects = st.from_regex(r"invoice-[a-z0-9]{2,20}-[A-Za-z0-9._-]{1,64}", fullmatch=True)
URL_SAFE = set(string.ascii_letters + string.digits + "-_.")


@given(subjects)
def test_a_token_names_its_receivable_and_is_safe_in_a_url(subject: str) -> None:
    token = links.token(SECRET, links.CUSTOMER, subject)
    assert links.read(SECRET, links.CUSTOMER, token) == subject
    assert set(token) <= URL_SAFE


@given(subjects, st.data())
def test_a_changed_token_names_nothing(subject: str, data: st.DataObject) -> None:
    token = links.token(SECRET, links.CUSTOMER, subject)
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from(sorted(URL_SAFE - {token[at]})))
    assert links.read(SECRET, links.CUSTOMER, token[:at] + other + token[at + 1 :]) is None


@given(subjects)
def test_another_secret_or_purpose_reads_nothing(subject: str) -> None:
    token = links.token(SECRET, links.CUSTOMER, subject)
    assert links.read("t" * 32, links.CUSTOMER, token) is None
    assert links.read(SECRET, "approver", token) is None


@given(st.text())
def test_anything_else_reads_as_nothing(text: str) -> None:
    assert links.read(SECRET, links.CUSTOMER, text) is None


@given(subjects, st.integers(0, 1000))
def test_a_customers_link_names_its_generation(workflow_id: str, generation: int) -> None:
    token = links.token(SECRET, links.CUSTOMER, links.customer_subject(workflow_id, generation))
    assert links.read_customer(SECRET, token) == (workflow_id, generation)


def test_the_first_generation_is_what_links_were_before() -> None:
    token = links.token(SECRET, links.CUSTOMER, "invoice-demo-1")
    assert links.read_customer(SECRET, token) == ("invoice-demo-1", 0)


def test_a_generation_is_a_number() -> None:
    for subject in ("invoice-demo-1#", "invoice-demo-1#x", "#1", "invoice-demo-1#-1", "invoice-demo-1#1#2"):
        assert links.read_customer(SECRET, links.token(SECRET, links.CUSTOMER, subject)) is None, subject
