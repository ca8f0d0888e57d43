"""A line of the log: ids, and nobody's name, address or account."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from domain.errors import Invalid, ProviderDown
from workers import logs

ODD, MAIL, IBAN = "Zaphod Quxworth", "zaphod.odd@example.org", "DE02 1203 0000 0000 2020 51"


def line(
    name: str, message: object, *values: object, error: BaseException | None = None, **more: Any
) -> dict[str, Any]:
    told = (type(error), error, error.__traceback__) if error else None
    record = logging.getLogger(name).makeRecord(name, 30, "f.py", 1, message, values, told, extra=more)
    found: dict[str, Any] = json.loads(logs.Line("json").format(record))
    text = logs.Line("text").format(record)
    assert all(str(found[key]) in text for key in ("time", "level", "logger", "message"))
    return found


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:  # noqa: BLE001 the test wants its place
        return caught


def test_our_own_line_says_all_but_addresses_and_accounts() -> None:
    with logs.request("00ff"):
        said = line("duely.gateway", "key %s refused %s of %s", "k1", MAIL, IBAN)
    assert (said["message"], said["request"], said["level"]) == ("key k1 refused … of …", "00ff", "WARNING")
    assert "request" not in line("duely.gateway", "done")


@pytest.mark.parametrize(
    ("message", "values", "kept"),
    [
        (f"failed with error of type X: {ODD}", (), "failed with error of type X"),
        ("cannot send to %s", (ODD,), "cannot send to …"),
        ("run ID %s, attempt %d", ("01a229a6-bdf2-7c5d-b855-7aeccb6b0596", 3),
         "run ID 01a229a6-bdf2-7c5d-b855-7aeccb6b0596, attempt 3"),
        (f"first\n{ODD}", (), "first"),
        (f"to {MAIL}", (), "to …"),
        ("100 %", (ODD,), "100 %"),
        ("failed ({'activity_id': '1'})", (), "failed ({'activity_id'"),
    ],
)  # fmt: skip
def test_of_others_only_the_words_of_their_source(message: str, values: tuple[object, ...], kept: str) -> None:
    assert line("some.package", message, *values)["message"] == kept


def test_an_error_shows_kind_and_place_not_its_words() -> None:
    said = line("duely.gateway", "failed", error=raised(Invalid.at("name", ODD)))
    assert said["error"] == "Invalid"
    assert said["at"][-1].startswith("test_logs.py:")
    assert ODD not in json.dumps(said)
    down = line("duely.gateway", "failed", error=raised(ProviderDown(f"mail server: busy for {MAIL}")))
    assert (down["error"], down["reason"]) == ("ProviderDown", "mail server: busy for …")
    known = line("temporalio.activity", "failed", error=raised(ApplicationError(ODD, type="Refused")))
    assert (known["error"], "reason" in known) == ("Refused", False)
    assert ODD not in json.dumps(known)


def test_what_the_core_tells_has_its_ids() -> None:
    class Told:
        fields = {"workflow_id": "invoice-demo-ORD-1", "run_id": "r", "failure": ODD}  # noqa: RUF012

    said = line("temporal.core", f"Failing workflow task: {ODD}", temporal_log=Told())
    assert (said["workflow"], said["run"], said["seller"]) == ("invoice-demo-ORD-1", "r", "demo")
    assert ODD not in json.dumps(said)


def test_lines_of_this_house_are_told_in_json_only(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", True)
    root, levels = logging.getLogger(), (logs.ACCESS.level, logs.STEPS.level)
    handlers, level = root.handlers[:], root.level
    try:
        for form, told in (("text", 0), ("json", 2)):
            for logger in (logs.ACCESS, logs.STEPS):
                logger.setLevel(logging.NOTSET)
            logs.set_up(form)  # type: ignore[arg-type]
            logs.ACCESS.info("a request")
            logs.STEPS.info("a step")
            logging.getLogger("httpx").info("an address")
            assert len(capsys.readouterr().err.splitlines()) == told
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        for logger, before in zip((logs.ACCESS, logs.STEPS), levels, strict=True):
            logger.setLevel(before)
