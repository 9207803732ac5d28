"""What all rules stand on: a fresh product, its model, and the comparison after each step."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from typing import Any, ClassVar, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant

from exporters.tests.sinks import Sink
from ledger.machine.judge import judge, look
from ledger.machine.known import Sensor
from ledger.machine.model import Model
from ledger.machine.world import World, world

Thing = TypeVar("Thing")
# Whichever of what there is: taken modulo how many there are.
NUMBER = st.integers(0, 11)
SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]}


def pick(things: list[Thing], number: int) -> Thing:
    return things[number % len(things)]


class Base(RuleBasedStateMachine):
    sink: ClassVar[Sink]
    # How often each kind of step was taken, over all runs.
    done: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.world: World = self.stack.enter_context(world(self.sink))
        self.model = Model()
        self.made = 0
        self._furnish()
        self.done["runs"] += 1

    def _furnish(self) -> None:
        """Three sensors of two cameras and two zones, and a place that is excluded."""
        make = self.world.make
        zone = {"space": "map", "geometry": SQUARE}
        excluded = make("config/zones", name="Nobody's", zone_type="exclusion", **zone)["id"]
        zones = [
            make("config/zones", name=f"Zone {n}", zone_type="detection", **zone)["id"]
            for n in range(2)
        ]
        cameras = [
            make("config/cameras", name=f"Camera {n}", zones=[excluded])["id"] for n in range(2)
        ]
        self.model.exclusion, self.model.days = excluded, dict.fromkeys([excluded, *zones])
        for n, (camera, zone_id) in enumerate([(0, None), (1, zones[0]), (0, zones[1])]):
            fields = {"camera": cameras[camera], "zone": zone_id}
            pk = make("config/sensors", name=f"Sensor {n}", **fields)["id"]
            self.model.sensors.append(Sensor(pk, cameras[camera], zone_id))
            self.new_key(self.model.sensors[-1])

    def new_key(self, sensor: Sensor) -> None:
        made = self.world.make(f"config/sensors/{sensor.id}/keys")
        sensor.keys[made["id"]] = sensor.key = made["key"]
        sensor.is_live = True

    def did(self, what: str) -> None:
        self.done[what] += 1

    def ask(self, method: str, path: str, body: Any = None, *, must: int) -> Any:
        """Call as the administrator; the status has to be this one."""
        status, found = self.world.call(method, path, body)
        assert status == must, f"{method} {path}: {status} {found}, expected {must}"  # noqa: S101
        return found

    @invariant()
    def product_is_as_the_model(self) -> None:
        judge(self.model, self.world)
        self.done["steps"] += 1

    def teardown(self) -> None:
        """Look at all that is shown, once more, and at the audit log."""
        try:
            look(self.model, self.world)
            self.world.verify_audit()
        finally:
            self.stack.close()
