"""The compose file as data: every variable is read, no port is open, no image moves, no kill is early."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import settings
from gateway import serving
from settings import Settings
from workers import binary

ROOT = Path(__file__).parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("duely:")}
WORKERS = {name for name, service in OURS.items() if service["command"] == ["worker"]}
ONE_SHOTS = {"temporal-schema", "temporal-namespace", "duely-init"}
WATCHING = {"prometheus", "grafana"}
# What the SDK's environment configuration reads; the server's own TEMPORAL_* names are others.
SDK_VARIABLES = {"TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "TEMPORAL_API_KEY", "TEMPORAL_TLS"}
NOT_PASSED = {
    *("DUELY_VAR", "DUELY_ARCHIVE", "DUELY_OUTBOX", "DUELY_INBOX"),  # the image's folder, a volume
    *("DUELY_GATEWAY_PORT", "DUELY_UI_PORT", "DUELY_TEMPORAL_PORT"),  # inside a container nothing is in the way
    "STRIPE_API_BASE",  # for tests
}
REFERENCE = re.compile(r"\$\{(\w+)(:\?|:-)?")


def seconds(duration: str) -> int:
    found = re.fullmatch(r"(\d+)s", duration)
    assert found, duration
    return int(found[1])


def references(node: object) -> set[str]:
    return {match[1] for match in REFERENCE.finditer(yaml.safe_dump(node))}


def test_the_services_are_those_of_a_single_host() -> None:
    assert set(SERVICES) == ONE_SHOTS | WORKERS | {"postgres", "temporal", "temporal-ui", "gateway"} | WATCHING
    assert {name: service["command"][0] for name, service in OURS.items()} == {
        "duely-init": "init",
        **dict.fromkeys(WORKERS, "worker"),
        "gateway": "gateway",
    }


def test_workers_by_kind_come_only_when_asked_for() -> None:
    serves = {name: SERVICES[name]["environment"]["DUELY_WORKER_SERVES"] for name in WORKERS}
    assert serves == {"worker": "${DUELY_WORKER_SERVES:-}", "mail-worker": "mail", "documents-worker": "documents"}
    asked = {name for name, service in SERVICES.items() if "profiles" in service} - WATCHING
    assert asked == WORKERS - {"worker"}
    assert "profiles" not in SERVICES["worker"]
    given = {name: {**OURS[name]["environment"], "DUELY_WORKER_SERVES": ""} for name in WORKERS}
    assert all(environment == given["worker"] for environment in given.values()), "they differ in nothing else"


@pytest.mark.parametrize("name", OURS)
def test_every_setting_is_passed_and_every_variable_of_ours_is_one(name: str) -> None:
    known = {settings.variable(field) for field in Settings.model_fields}
    assert set(OURS[name]["environment"]) - known <= SDK_VARIABLES
    assert known - set(OURS[name]["environment"]) == NOT_PASSED


def test_the_values_of_ours_are_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in OURS["worker"]["environment"].items():
        filled = re.sub(r"\$\{\w+:\?[^}]*\}", "a1b2", value)
        monkeypatch.setenv(name, re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", filled))
    found = settings.load()
    assert found.database_url.get_secret_value() == "postgresql+psycopg://duely:a1b2@postgres/duely"
    assert found.mail == "outbox"
    assert found.trusted_proxies == "172.16.0.0/12", "what reaches a published port comes from a network of Docker's"


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_bound_to_loopback(name: str) -> None:
    assert "network_mode" not in SERVICES[name]
    for port in SERVICES[name].get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port), port


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned(name: str) -> None:
    tag = SERVICES[name]["image"].partition(":")[2]
    assert re.match(r"v?\d+\.\d+", tag), f"{SERVICES[name]['image']} moves"


def test_images_are_the_versions_we_measured_and_release() -> None:
    assert {service["image"] for service in SERVICES.values() if service["image"].startswith("temporalio/")} == {
        "temporalio/admin-tools:1.32.0",
        "temporalio/server:1.32.0",
        "temporalio/ui:2.54.1",
    }
    assert f'version = "{OURS["worker"]["image"].partition(":")[2]}"' in (ROOT / "pyproject.toml").read_text()
    module = (ROOT / "workers" / "temporal" / "go.mod").read_text()
    assert f"github.com/temporalio/cli v{binary.VERSION}" in module
    assert "go.temporal.io/server v1.32.0 " in module
    assert "github.com/temporalio/ui-server/v2 v2.54.1 " in module


@pytest.mark.parametrize("name", SERVICES)
def test_each_waits_for_what_it_needs(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        if other in ONE_SHOTS:
            assert how["condition"] == "service_completed_successfully"
        else:
            assert how["condition"] == "service_healthy"
            assert "healthcheck" in SERVICES[other]


def test_no_worker_starts_before_the_books_and_the_namespace_are_ready() -> None:
    def needs(name: str) -> set[str]:
        direct = set(SERVICES[name].get("depends_on", {}))
        return direct.union(*(needs(other) for other in direct)) if direct else direct

    for name in WORKERS | {"gateway"}:
        assert needs(name) == ONE_SHOTS | {"postgres", "temporal"}, name


@pytest.mark.parametrize("name", SERVICES)
def test_services_restart_and_report_health_and_one_shots_end(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"].startswith("on-failure" if name in ONE_SHOTS else "unless-stopped")
    assert ("healthcheck" in service) == (name not in ONE_SHOTS)


@pytest.mark.parametrize("name", sorted(WORKERS))
def test_a_stopping_worker_has_time_to_drain(name: str) -> None:
    worker = SERVICES[name]
    assert seconds(worker["stop_grace_period"]) >= int(worker["environment"]["DUELY_WORKER_DRAIN"]) + 10
    default = Settings.model_fields["worker_drain"].default
    assert seconds(worker["stop_grace_period"]) >= default + 10


def test_the_gateway_is_reached_where_it_listens_and_ends_its_requests() -> None:
    gateway, port = SERVICES["gateway"], Settings.model_fields["gateway_port"].default
    assert gateway["command"] == ["gateway", "--host", "0.0.0.0"]
    assert gateway["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert f"http://127.0.0.1:{port}/healthz" in gateway["healthcheck"]["test"][-1]
    assert seconds(gateway["stop_grace_period"]) > serving.GRACE_SECONDS


def test_nobody_logs_in_where_one_only_looks() -> None:
    said = SERVICES["grafana"]["environment"]
    assert (said["GF_AUTH_DISABLE_LOGIN_FORM"], said["GF_AUTH_BASIC_ENABLED"]) == ("true", "false")
    assert said["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"


def test_what_must_survive_lies_in_named_volumes() -> None:
    mounted = [volume for service in SERVICES.values() for volume in service.get("volumes", [])]
    assert {volume.partition(":")[0] for volume in mounted if not volume.startswith("./")} == set(COMPOSE["volumes"])
    for volume in mounted:
        if volume.startswith("./"):
            assert (ROOT / volume.partition(":")[0]).is_file(), volume
            assert volume.endswith(":ro"), volume
    assert "DUELY_VAR=/var/lib/duely" in (ROOT / "Dockerfile").read_text()
    for name in WORKERS | {"gateway"}:  # they share the secret that signs links, and the archive
        assert "duely:/var/lib/duely" in OURS[name]["volumes"]


def test_no_password_has_a_default_and_the_example_names_each_variable() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    for name, operator in REFERENCE.findall(text):
        assert operator == (":?" if name.endswith("PASSWORD") else ":-"), name
    example = dict(
        line.split("=", 1)
        for line in (ROOT / "docker" / "env.example").read_text().splitlines()
        if line and not line.startswith("#")
    )
    assert set(example) == references(SERVICES) | {"COMPOSE_PROFILES"}
    assert {value for value in example.values() if value} == {"outbox"}


def test_the_image_holds_the_same_pins_without_the_tools() -> None:
    def pins(path: str) -> set[str]:
        return set(re.findall(r"^([a-z0-9.-]+==\S+)", (ROOT / path).read_text(), re.MULTILINE))

    assert pins("docker/requirements.lock") < pins("requirements.lock")
    assert not {pin.partition("==")[0] for pin in pins("docker/requirements.lock")} & {
        "pytest",
        "mypy",
        "ruff",
    }


def test_the_image_keeps_the_hosts_books_and_secrets_out() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert {".env", ".git", ".venv", "var"} <= set(ignored)
