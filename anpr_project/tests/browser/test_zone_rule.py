"""The editor's rule for areas and the server's are one: whatever is drawn, both say the same."""

from __future__ import annotations

import random
from typing import Any

from django.core.exceptions import ValidationError
from playwright.sync_api import Page, expect

from anpr_project.tests.running import Running
from zones.geometry import validate_geometry

ASK = """areas => import("/static/zones/validity.js").then(
    ({ problemOf }) => areas.map(area => problemOf(area, "image")?.message ?? ""))"""
NUMBER = 2000


def shapes(seed: int) -> list[Any]:
    """Areas on coarse grids, where corners and sides meet often; some of their numbers are inexact."""
    chance = random.Random(seed)  # noqa: S311 - no secret

    def numbers(grid: int, count: int) -> list[int]:
        return sorted(chance.sample(range(grid + 1), count))

    def ring(grid: int) -> list[list[float]]:
        if chance.random() < 0.6:
            (left, right), (top, bottom) = numbers(grid, 2), numbers(grid, 2)
            corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
        else:
            points = range(chance.choice([3, 3, 4, 5, 6]))
            corners = [(chance.randint(0, grid), chance.randint(0, grid)) for _ in points]
        return [[x / grid, y / grid] for x, y in corners]

    def area() -> list[Any]:
        grid = chance.choice([3, 4, 5, 7, 10, 10_000])
        return [
            [ring(grid) for _ in range(chance.choice([1, 1, 2, 3]))]
            for _ in range(chance.choice([1, 1, 2, 3]))
        ]

    return [area() for _ in range(NUMBER)]


def server_refuses(area: list[Any]) -> bool:
    closed = [[[*ring, ring[0]] for ring in rings] for rings in area]
    try:
        validate_geometry({"type": "MultiPolygon", "coordinates": closed}, "image")
    except ValidationError:
        return True
    return False


def test_the_editor_refuses_what_the_server_refuses_and_nothing_else(
    tab: Page, product: Running
) -> None:
    tab.goto(f"{product.url}/admin/zones/zone/add/")
    expect(tab.locator("#zone-editor[data-ready]")).to_be_visible()
    # Others in each run; a failure shows the shape.
    areas = shapes(random.randrange(10**6))  # noqa: S311 - no secret
    refused = [server_refuses(area) for area in areas]
    assert NUMBER * 0.05 < sum(refused) < NUMBER * 0.95
    said = tab.evaluate(ASK, areas)
    differing = [
        (area, message)
        for area, message, is_refused in zip(areas, said, refused, strict=True)
        if bool(message) != is_refused
    ]
    assert differing == []
