"""The road: which vehicles pass which camera, and when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from random import Random

from events.simulation.regions import Region, pick_region

# Share of a day's traffic in each hour, shaped like counts of a commuter road.
DAILY_CURVE = (
    *(0.30, 0.19, 0.15, 0.17, 0.33, 0.78, 1.33, 1.62, 1.52, 1.28, 1.22, 1.26),
    *(1.31, 1.35, 1.46, 1.64, 1.74, 1.66, 1.29, 0.97, 0.79, 0.67, 0.55, 0.42),
)
PLATOON_SIZES, PLATOON_SHARES = (1, 2, 3, 4, 5), (0.62, 0.2, 0.1, 0.05, 0.03)
MEAN_PLATOON = sum(n * share for n, share in zip(PLATOON_SIZES, PLATOON_SHARES, strict=True))
MODELS = {
    "car": (
        *(("Volkswagen", "Golf"), ("Ford", "Fiesta"), ("Vauxhall", "Corsa"), ("BMW", "3 Series")),
        *(("Toyota", "Yaris"), ("Renault", "Clio"), ("Tesla", "Model 3"), ("Audi", "A4")),
        *(("Peugeot", "208"), ("Mercedes-Benz", "C-Class"), ("Skoda", "Octavia"), ("Kia", "Ceed")),
    ),
    "suv": (
        *(("Nissan", "Qashqai"), ("Kia", "Sportage"), ("Volvo", "XC60"), ("Hyundai", "Tucson")),
        *(("Land Rover", "Defender"), ("Tesla", "Model Y"), ("Dacia", "Duster")),
    ),
    "van": (
        *(("Ford", "Transit"), ("Volkswagen", "Transporter"), ("Mercedes-Benz", "Sprinter")),
        *(("Fiat", "Ducato"), ("Renault", "Trafic")),
    ),
    "truck": (("DAF", "LF"), ("MAN", "TGL"), ("Iveco", "Eurocargo"), ("Volvo", "FL")),
}
KIND_SHARES = {"car": 0.6, "suv": 0.21, "van": 0.13, "truck": 0.06}
COLOR_SHARES = {
    "grey": 0.24, "black": 0.2, "white": 0.19, "blue": 0.14, "silver": 0.09, "red": 0.07,
    "green": 0.03, "brown": 0.02, "orange": 0.01, "yellow": 0.01,
}  # fmt: skip
TYRE_SHARE = 1 / 3


@dataclass(frozen=True)
class Vehicle:
    plate: str
    region: Region
    kind: str
    make: str
    model: str
    color: str
    year: int
    tyres: tuple[str, ...]  # ids of the four pressure sensors; empty where none is heard


def new_vehicle(random: Random) -> Vehicle:
    region = pick_region(random)
    kind = random.choices(list(KIND_SHARES), list(KIND_SHARES.values()))[0]
    make, model = random.choice(MODELS[kind])
    heard = random.random() < TYRE_SHARE
    return Vehicle(
        plate=region.new_plate(random),
        region=region,
        kind=kind,
        make=make,
        model=model,
        color=random.choices(list(COLOR_SHARES), list(COLOR_SHARES.values()))[0],
        year=random.randint(2009, 2026),
        tyres=tuple(f"{random.getrandbits(32):08x}" for _ in range(4 if heard else 0)),
    )


class Fleet:
    """The vehicles of the area: a few pass daily, most are hardly seen again (Zipf)."""

    def __init__(self, random: Random, *, size: int = 3000, exponent: float = 0.85) -> None:
        self.random = random
        self.vehicles = [new_vehicle(random) for _ in range(size)]
        self.weights = list(accumulate((rank + 1) ** -exponent for rank in range(size)))

    def next_vehicle(self) -> Vehicle:
        if self.random.random() < 0.35:  # passing through, never seen before
            return new_vehicle(self.random)
        return self.random.choices(self.vehicles, cum_weights=self.weights)[0]


def intensity(moment: datetime) -> float:
    """Return the traffic at this local time as a multiple of the day's mean."""
    share = moment.minute / 60
    following = DAILY_CURVE[(moment.hour + 1) % 24]
    return DAILY_CURVE[moment.hour] * (1 - share) + following * share


def arrivals(random: Random, start: datetime, rate: float) -> Iterator[datetime]:
    """Yield when vehicles pass: platoons come as an inhomogeneous Poisson process.

    `rate` is the mean of a day in vehicles a second. Thinning (Lewis and Shedler) of a process at
    the day's peak gives the daily curve; within a platoon vehicles follow at 0.9 to 2.6 s.
    """
    peak = max(DAILY_CURVE)
    moment = start
    while True:
        moment += timedelta(seconds=random.expovariate(rate * peak / MEAN_PLATOON))
        if random.random() > intensity(moment) / peak:
            continue
        follower = moment
        for _ in range(random.choices(PLATOON_SIZES, PLATOON_SHARES)[0]):
            yield follower
            follower += timedelta(seconds=random.uniform(0.9, 2.6))
