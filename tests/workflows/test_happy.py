from __future__ import annotations

from tests.workflows.conftest import House


async def test_it_lives(house: House) -> None:
    life = await house.issued()
    said = await life.status()
    assert said["number"].endswith("00001")
    await life.do("pay", by="ben", amount="119.00", received_on=said["documents"][0]["date"], method="transfer", external_id="X")
    said = await life.result()
    assert said["state"] == "paid"
    print(await life.events())
    print(await life.details())
    print(life.mails())
