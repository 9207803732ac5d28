"""Evidence from the pages: what arrives is verified."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from anpr_project.tests.edge import Edge
from anpr_project.tests.running import Running
from events.tests.factories import picture
from evidence.verify_evidence import problems_of


def test_a_read_and_a_search_are_taken_as_evidence(tab: Page, product: Running, edge: Edge) -> None:
    read = edge.read("EV1 DENCE", picture=picture())
    keys = [bytes.fromhex(key["public_key"]) for key in edge.get("evidence/keys")]
    for path, link in (
        (f"/events/{read['id']}", ".evidence"),
        (f"/search?camera={edge.camera}", "#download-evidence"),
    ):
        tab.goto(f"{product.url}{path}")
        expect(tab.locator(".plate-text").first).to_have_text("EV1 DENCE")
        with tab.expect_download() as started:
            tab.click(link)
        assert re.fullmatch(
            rf"evidence-event-{read['id']}-\d{{8}}T\d{{6}}Z\.zip", started.value.suggested_filename
        )
        with started.value.path().open("rb") as file:
            problems, manifest = problems_of(file, keys)
        assert problems == []
        assert manifest["events"] == [read["id"]]
