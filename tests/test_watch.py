"""The files that watch: each alert has a way to act, each panel a question, each file its place in compose. That the
metrics exist is asked of a running house in `tests/cli/test_up.py`."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from settings import Settings
from tests.test_compose import COMPOSE, OURS, ROOT, SERVICES
from tests.watching import ALERTS, DASHBOARD, EXPRESSIONS, WATCH, metrics

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text("utf-8")
SECTIONS = {
    "#" + re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-"): text
    for title, text in re.findall(r"^## (.+)\n((?:(?!^## ).*\n)*)", RUNBOOK, re.MULTILINE)
}
PROMETHEUS: dict[str, Any] = yaml.safe_load((WATCH / "prometheus.yml").read_text("utf-8"))


def test_there_are_alerts_and_panels() -> None:
    assert len(ALERTS) >= 10
    assert len(EXPRESSIONS) >= 30
    assert len(metrics()) >= 15


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_each_alert_links_to_a_section_that_names_it(rule: dict[str, Any]) -> None:
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    assert page == "docs/runbook.md"
    assert f"`{rule['alert']}`" in SECTIONS[f"#{anchor}"]
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["summary"]


def test_each_section_of_an_alert_belongs_to_one() -> None:
    linked = {rule["annotations"]["runbook"].partition("#")[2] for rule in ALERTS}
    assert {anchor[1:] for anchor in SECTIONS if anchor.startswith("#alert-")} == linked


def test_panels_have_ids_titles_and_room() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(panel["title"] for panel in panels)
    taken = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(taken)) == len(taken), "two panels lie on each other"


def test_what_several_gateways_tell_alike_is_never_summed() -> None:
    """Figures of the books are the same at each gateway: the largest is taken before anything is added."""
    counted = ("duely_mail", "duely_http", "duely_webhooks")
    for text in EXPRESSIONS:
        for name in re.findall(r"duely_\w+", text):
            if not name.startswith(counted):
                assert re.search(rf"max(?: by \([^)]*\))? \(?(?:increase\()?{name}|max\({name}", text), text


def test_prometheus_asks_where_they_listen() -> None:
    jobs = {job["job_name"]: job for job in PROMETHEUS["scrape_configs"]}
    asked = {name: job["dns_sd_configs"][0] for name, job in jobs.items()}
    assert asked["duely-gateway"]["names"] == ["gateway"]
    assert asked["duely-gateway"]["port"] == Settings.model_fields["gateway_port"].default
    assert set(asked["duely-worker"]["names"]) == {name for name in OURS if name.endswith("worker")}
    assert asked["duely-worker"]["port"] == int(OURS["worker"]["environment"]["DUELY_METRICS_PORT"])
    assert OURS["worker"]["environment"]["DUELY_METRICS_HOST"] == "0.0.0.0"
    script = (WATCH / "prometheus.sh").read_text("utf-8")
    assert jobs["duely-gateway"]["authorization"]["credentials_file"] in script
    assert "DUELY_METRICS_KEY" in SERVICES["prometheus"]["environment"]


def test_every_file_is_mounted() -> None:
    mounted = {each.split(":")[0] for name in ("prometheus", "grafana") for each in SERVICES[name]["volumes"]}
    assert mounted - set(COMPOSE["volumes"]) == {f"./docker/watch/{path.name}" for path in WATCH.iterdir()}
    assert all(SERVICES[name]["profiles"] == ["watch"] for name in ("prometheus", "grafana"))


def test_the_dashboard_asks_the_source_that_is_provided() -> None:
    (source,) = yaml.safe_load((WATCH / "grafana-datasource.yml").read_text("utf-8"))["datasources"]
    assert {panel["datasource"]["uid"] for panel in DASHBOARD["panels"] if "datasource" in panel} == {source["uid"]}
