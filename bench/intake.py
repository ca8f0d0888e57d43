"""Requests for invoices through the gateway: a real process, real HTTP with keys, each request a new receivable whose
workflow is started. No worker runs meanwhile, so that nothing but the intake is measured."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import httpx

from adapters.books import api_keys
from bench import lives
from bench.house import House, Process
from bench.part import Options, Part, Say
from rig.ports import free_port
from rig.results import Measure

AT_ONCE = 16


async def run(house: House, options: Options, say: Say) -> Part:
    place, port = await house.place("intake"), free_port()
    key = api_keys.add(place.engine, "crm", ["invoices:write"], None, datetime.now(UTC))
    gateway = Process("cli.main", ["gateway", "--json"], place, DUELY_GATEWAY_PORT=str(port))
    rates, cpu, waits = [], [], []
    try:
        await gateway.says()
        limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
        headers = {"Authorization": f"Bearer {key}"}
        base = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=base, headers=headers, limits=limits, timeout=60) as http:
            for run_ in range(options.runs + 1):
                say(f"intake: run {run_} of {options.runs}, {options.requests} requests")
                rate, own, wait = await _run(http, gateway, run_, options.requests if run_ else 20)
                if run_:  # the first warms up
                    rates.append(rate)
                    cpu.append(own)
                    waits.append(wait)
    finally:
        await gateway.stop()
    return Part([
        Measure("intake through the gateway", "requests a second", tuple(rates)),
        Measure("gateway CPU of a request", "ms", tuple(cpu)),
        Measure(f"answer at the gateway, {AT_ONCE} callers", "ms", tuple(waits)),
    ])  # fmt: skip


async def _run(http: httpx.AsyncClient, gateway: Process, run_: int, count: int) -> tuple[float, float, float]:
    waited = 0.0

    async def post(reference: str) -> None:
        nonlocal waited
        began = time.perf_counter()
        answer = await http.post("/v1/invoices", json=lives.request(reference, lives.SMALL))
        waited += time.perf_counter() - began
        assert answer.status_code == 202, answer.text

    cpu, began = gateway.cpu(), time.perf_counter()
    await lives.pooled(post, [f"R{run_}-{number:04d}" for number in range(count)], AT_ONCE)
    wall = time.perf_counter() - began
    return count / wall, (gateway.cpu() - cpu) / count * 1000, waited / count * 1000
