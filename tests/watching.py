"""What the files under `docker/watch` ask for."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

WATCH = Path(__file__).parents[1] / "docker" / "watch"
ALERTS: list[dict[str, Any]] = [
    rule for group in yaml.safe_load((WATCH / "alerts.yml").read_text("utf-8"))["groups"] for rule in group["rules"]
]
DASHBOARD: dict[str, Any] = json.loads((WATCH / "grafana-duely.json").read_text("utf-8"))
EXPRESSIONS = [rule["expr"] for rule in ALERTS] + [
    target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())
]


def metrics() -> set[str]:
    """Every metric that a rule or a panel names."""
    return {name for text in EXPRESSIONS for name in re.findall(r"\b(?:duely|temporal)_\w+\b(?!=)", text)}


def exposed(text: str) -> set[str]:
    """Every name that a scrape can ask of this text, also of a family without a sample yet."""
    families = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    suffixes = {"histogram": ("_bucket", "_count", "_sum")}
    return {name + suffix for name, kind in families.items() for suffix in suffixes.get(kind, ("",))}
