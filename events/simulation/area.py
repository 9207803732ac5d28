"""The demo's cameras, zones, models and sensors, created through the configuration API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from events.simulation.client import Client
from events.simulation.scene import View

LATITUDE, LONGITUDE = 51.4816, -3.1791


def _box(left: float, low: float, right: float, high: float) -> dict[str, Any]:
    ring = [[left, low], [right, low], [right, high], [left, high], [left, low]]
    return {"type": "Polygon", "coordinates": [ring]}


ZONES: dict[str, dict[str, Any]] = {
    "Visitor car park": {
        "zone_type": "parking",
        "space": "map",
        "capacity": 120,
        "geometry": _box(
            LONGITUDE - 0.002, LATITUDE - 0.0012, LONGITUDE + 0.002, LATITUDE + 0.0012
        ),
    },
    "A40 carriageway": {
        "zone_type": "detection",
        "space": "image",
        "geometry": _box(0.02, 0.3, 0.98, 1.0),
    },
    "Market Street north": {
        "zone_type": "detection",
        "space": "map",
        "geometry": _box(LONGITUDE + 0.004, LATITUDE + 0.002, LONGITUDE + 0.009, LATITUDE + 0.006),
    },
    # Parked neighbours at the edge of the picture, whose plates must not be kept.
    "Private drive": {
        "zone_type": "exclusion",
        "space": "image",
        "geometry": _box(0.0, 0.3, 0.06, 0.5),
    },
}


@dataclass(frozen=True)
class Post:
    """A camera, the sensor that reads its pictures, and its share of the traffic."""

    view: View
    share: float
    sensor: str
    zones: tuple[str, ...]
    north: float  # degrees from the area's centre
    east: float
    heading: float
    address: str
    direction: str

    @property
    def name(self) -> str:
        return self.view.name


POSTS = (
    Post(
        View("A40 Eastbound", (0.21, 0.79), (0.53, 0.16), "motorway", True, 490),
        *(0.46, "edge-a40-01", ("A40 carriageway",), 0.011, -0.018, 265.0),
        *("A40 km 112.4", "approaching"),
    ),
    Post(
        View("Market Street", (0.5,), (0.46, 0.22), "street", False, 540),
        *(0.2, "edge-market-01", ("Market Street north", "Private drive"), 0.004, 0.006, 12.0),
        *("Market Street 27", "leaving"),
    ),
    Post(
        View("North Gate", (0.5,), (0.5, 0.30), "gate", True, 560),
        *(0.12, "edge-gate-01", ("Visitor car park",), 0.0004, 0.0006, 180.0),
        *("Car park, north entrance", "approaching"),
    ),
    Post(
        View("Harbour Tunnel", (0.22, 0.78), (0.5, 0.2), "tunnel", False, 490),
        *(0.22, "edge-tunnel-01", (), -0.012, 0.014, 140.0),
        *("Harbour Tunnel, west tube", "leaving"),
    ),
)
MODELS: dict[str, dict[str, Any]] = {
    "plate-finder": {
        "version": "2.3.0",
        "model_type": "plate_detector",
        "weights_path": "models/plate-finder-2.3.0.onnx",
        "parameters": {"input_size": [640, 640], "confidence_threshold": 0.4, "device": "cpu"},
    },
    "plate-reader": {
        "version": "4.1.2",
        "model_type": "ocr",
        "weights_path": "models/plate-reader-4.1.2.onnx",
        "parameters": {"input_size": [192, 48], "top_n": 3, "regions": ["gb", "de", "fr", "us"]},
    },
}


@dataclass(frozen=True)
class Installed:
    """A post that is set up, with the key its sensor may now use."""

    post: Post
    sensor: int
    key: str
    key_path: str


@dataclass(frozen=True)
class Area:
    posts: tuple[Installed, ...]
    is_new: bool


class Installer:
    """Creates what is missing, by name, so that a second run changes nothing."""

    def __init__(self, api: Client) -> None:
        self.api = api
        self.created = 0

    def ensure(self, kind: str, name: str, fields: dict[str, Any]) -> int:
        """Return the id of the entity of that name."""
        path = f"/api/v1/config/{kind}"
        query = urlencode({"name": name, "page_size": 500})
        for row in self.api.get(f"{path}?{query}")["results"]:
            if row["name"] == name:
                return int(row["id"])
        self.created += 1
        return int(self.api.post(path, {"name": name} | fields)["id"])

    def camera(self, post: Post, zones: dict[str, int]) -> int:
        return self.ensure(
            "cameras",
            post.name,
            {
                "rtsp_url": f"rtsp://{post.sensor}.example:554/stream1",
                "fps": 25,
                "width": 1280,
                "height": 720,
                "latitude": round(LATITUDE + post.north, 6),
                "longitude": round(LONGITUDE + post.east, 6),
                "heading": post.heading,
                "address": post.address,
                "zones": [zones[name] for name in post.zones],
            },
        )

    def sensor(self, post: Post, camera: int, models: list[int]) -> Installed:
        sensor = self.ensure(
            "sensors",
            post.sensor,
            {
                "serial_number": f"SN-{post.sensor.upper()}",
                "camera": camera,
                "models": models,
                "settings": {"min_confidence": 0.4, "report_tyres": True},
            },
        )
        path = f"/api/v1/config/sensors/{sensor}/keys"
        key = self.api.post(path, {"label": "simulate"})
        return Installed(post, sensor, key["key"], f"{path}/{key['key_id']}")


def install(api: Client) -> Area:
    """Set up the whole area, with a new key for each sensor."""
    installer = Installer(api)
    zones = {name: installer.ensure("zones", name, fields) for name, fields in ZONES.items()}
    models = [installer.ensure("models", name, fields) for name, fields in MODELS.items()]
    posts = tuple(installer.sensor(post, installer.camera(post, zones), models) for post in POSTS)
    return Area(posts, is_new=installer.created > 0)


def revoke_keys(api: Client, area: Area) -> None:
    for installed in area.posts:
        api.delete(installed.key_path)
