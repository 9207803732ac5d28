"""What every configuration endpoint promises; each app binds it to its entity in one small class."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
from django.contrib.auth.models import Permission, User
from django.db import models
from pytest_django import DjangoAssertNumQueries, Settings
from rest_framework.test import APIClient

from anpr_project.lib.tests.factories import make_user
from anpr_project.lib.tests.hostile_input import (
    HARMLESS_OR_REFUSED,
    HOSTILE_BODIES,
    HOSTILE_TEXTS,
    ODD_VALUES,
    REFUSED,
)


@dataclass(frozen=True, kw_only=True)
class Entity:
    """An endpoint, a body it takes, and which of its fields and filters are of what kind."""

    path: str
    model: type[models.Model]
    body: Callable[[], dict[str, Any]]
    texts: list[str]
    change: dict[str, Any]
    unique: str = "name"
    related: list[str] = field(default_factory=list)
    related_many: list[str] = field(default_factory=list)
    json_fields: list[str] = field(default_factory=list)
    refused_queries: list[tuple[str, str]] = field(default_factory=list)
    list_queries: int = 2


def raw(client: APIClient, method: str, path: str, body: bytes, content_type: str) -> Any:
    # The stubs know texts only; Django sends bytes as they are.
    return client.generic(method, path, body, content_type)  # type: ignore[arg-type]


def fields_of(response: Any) -> set[str]:
    return {problem["field"] for problem in response.json()["errors"]}


def make_viewer(entity: Entity, *actions: str) -> User:
    user = make_user()
    name, app = entity.model._meta.model_name, entity.model._meta.app_label
    for action in actions:
        user.user_permissions.add(
            Permission.objects.get(codename=f"{action}_{name}", content_type__app_label=app)
        )
    return user


class ConfigContract:
    entity: ClassVar[Entity]

    def create(self, api: APIClient, **fields: Any) -> dict[str, Any]:
        response = api.post(self.entity.path, self.entity.body() | fields)
        assert response.status_code == 201, response.content
        return dict(response.json())

    def rows(self) -> int:
        return self.entity.model._default_manager.count()

    def refused(self, response: Any, *statuses: int) -> None:
        assert response.status_code in (statuses or (400,)), response.content[:500]
        body = response.json()
        assert set(body) == {"code", "message", "errors"}
        assert body["message"]

    # ------------------------------------------------------------------------- the usual way
    def test_created_row_is_returned_stored_and_read_again(self, api: APIClient) -> None:
        sent = self.entity.body()
        response = api.post(self.entity.path, sent)
        assert response.status_code == 201, response.content
        made = response.json()
        assert {name: made[name] for name in sent} == sent
        assert made["enabled"] is True
        assert self.entity.model._default_manager.filter(pk=made["id"]).exists()
        assert api.get(f"{self.entity.path}/{made['id']}").json() == made

    def test_put_and_patch_change_the_row_and_its_age(self, api: APIClient) -> None:
        made = self.create(api)
        path = f"{self.entity.path}/{made['id']}"
        patched = api.patch(path, self.entity.change).json()
        assert patched | {"updated_at": ""} == made | self.entity.change | {"updated_at": ""}
        assert patched["updated_at"] > made["updated_at"]
        row = self.entity.model._default_manager.get(pk=made["id"])
        for name, value in self.entity.change.items():
            assert getattr(row, name) == value
        body = self.entity.body()
        replaced = api.put(path, body)
        assert replaced.status_code == 200, replaced.content
        assert {name: replaced.json()[name] for name in body} == body

    def test_empty_patch_changes_nothing_and_put_demands_the_required(self, api: APIClient) -> None:
        made = self.create(api)
        path = f"{self.entity.path}/{made['id']}"
        assert api.patch(path, {}).status_code == 200
        response = api.put(path, {})
        self.refused(response)
        assert self.entity.unique in fields_of(response)

    def test_deleted_row_is_gone(self, api: APIClient) -> None:
        path = f"{self.entity.path}/{self.create(api)['id']}"
        assert api.delete(path).status_code == 204
        self.refused(api.get(path), 404)
        self.refused(api.delete(path), 404)
        assert self.rows() == 0

    def test_read_only_fields_are_ignored(self, api: APIClient) -> None:
        made = self.create(api, id=999_999, created_at="2000-01-01T00:00:00Z")
        assert made["id"] != 999_999
        assert made["created_at"] > "2026"

    def test_times_are_utc_whatever_the_pages_show(
        self, api: APIClient, settings: Settings
    ) -> None:
        settings.TIME_ZONE = "Asia/Tokyo"
        assert self.create(api)["created_at"].endswith("Z")

    def test_a_name_is_taken_once(self, api: APIClient) -> None:
        body = self.entity.body()
        assert api.post(self.entity.path, body).status_code == 201
        response = api.post(self.entity.path, body)
        self.refused(response)
        assert fields_of(response) == {self.entity.unique}
        assert self.rows() == 1

    # ------------------------------------------------------------------------- lists
    def test_list_has_pages_order_search_and_filter(self, api: APIClient) -> None:
        names = [self.create(api)["name"] for _ in range(3)]
        page = api.get(f"{self.entity.path}?page_size=2&ordering=-name").json()
        assert page["count"] == 3
        assert page["previous"] is None
        assert [row["name"] for row in page["results"]] == sorted(names, reverse=True)[:2]
        assert (
            api.get(f"{self.entity.path}?limit=2&ordering=-name").json()["results"]
            == page["results"]
        )
        last = api.get(page["next"]).json()
        assert [row["name"] for row in last["results"]] == sorted(names)[:1]
        assert last["next"] is None
        found = api.get(self.entity.path, {"search": names[1].upper()}).json()["results"]
        assert [row["name"] for row in found] == [names[1]]
        named = api.get(self.entity.path, {"name": names[2]}).json()["results"]
        assert [row["name"] for row in named] == [names[2]]
        assert api.get(self.entity.path, {"enabled": "true"}).json()["count"] == 3
        assert api.get(self.entity.path, {"enabled": "false"}).json()["count"] == 0

    def test_list_costs_the_same_queries_however_long(
        self, api: APIClient, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for _ in range(3):
            self.create(api)
        with django_assert_num_queries(self.entity.list_queries):
            assert api.get(self.entity.path).json()["count"] == 3

    @pytest.mark.parametrize("query", HARMLESS_OR_REFUSED, ids=lambda query: query[:24])
    def test_odd_query_is_harmless(self, api: APIClient, query: str) -> None:
        self.create(api)
        assert api.get(f"{self.entity.path}?{query}").status_code in (200, 400, 404)

    def test_wrong_filter_is_refused_and_named(self, api: APIClient) -> None:
        for query, name in [*REFUSED, *self.entity.refused_queries]:
            response = api.get(f"{self.entity.path}?{query}")
            self.refused(response)
            assert fields_of(response) == {name}, query
        self.refused(api.get(f"{self.entity.path}?page=2"), 404)

    # ------------------------------------------------------------------------- who may
    def test_nobody_is_let_in_without_login(self, anonymous: APIClient, db: None) -> None:
        for method in ("get", "post", "options"):
            response = getattr(anonymous, method)(self.entity.path)
            self.refused(response, 401)
            assert response["WWW-Authenticate"]
        for method in ("get", "put", "patch", "delete"):
            self.refused(getattr(anonymous, method)(f"{self.entity.path}/1"), 401)

    @pytest.mark.parametrize("role", ["Viewers", "Operators"])
    def test_other_roles_may_not_even_look(self, anonymous: APIClient, db: None, role: str) -> None:
        anonymous.force_authenticate(make_user(role=role))
        self.refused(anonymous.get(self.entity.path), 403)
        self.refused(anonymous.post(self.entity.path, self.entity.body()), 403)
        assert self.rows() == 0

    def test_administrators_may_do_everything(self, anonymous: APIClient, db: None) -> None:
        anonymous.force_authenticate(make_user(role="Administrators"))
        path = f"{self.entity.path}/{self.create(anonymous)['id']}"
        assert anonymous.patch(path, {"enabled": False}).status_code == 200
        assert anonymous.delete(path).status_code == 204

    def test_view_permission_reads_and_no_more(self, api: APIClient, db: None) -> None:
        made = self.create(api)
        path = f"{self.entity.path}/{made['id']}"
        api.force_authenticate(make_viewer(self.entity, "view"))
        assert api.get(self.entity.path).json()["count"] == 1
        assert api.get(path).json() == made
        self.refused(api.post(self.entity.path, self.entity.body()), 403)
        for method in ("put", "patch", "delete"):
            self.refused(getattr(api, method)(path), 403)
        assert self.rows() == 1

    # ------------------------------------------------------------------------- hostile input
    @pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=ascii)
    def test_unprintable_text_is_refused_in_every_field(self, api: APIClient, text: str) -> None:
        for name in self.entity.texts:
            response = api.post(self.entity.path, self.entity.body() | {name: text})
            self.refused(response)
            assert fields_of(response) == {name}
        for name in self.entity.json_fields:
            for value in ({"a": [text]}, {text: 1}):
                response = api.post(self.entity.path, self.entity.body() | {name: value})
                self.refused(response)
                assert fields_of(response) == {name}
        assert self.rows() == 0

    @pytest.mark.parametrize("name", HOSTILE_BODIES)
    def test_broken_body_is_refused(self, api: APIClient, name: str) -> None:
        body = HOSTILE_BODIES[name]
        self.refused(raw(api, "POST", self.entity.path, body, "application/json"), 400, 413)
        path = f"{self.entity.path}/{self.create(api)['id']}"
        self.refused(raw(api, "PUT", path, body, "application/json"), 400, 413)
        assert self.rows() == 1

    @pytest.mark.parametrize(
        "content_type",
        [
            "text/plain",
            "application/xml",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
        ],
    )
    def test_other_content_types_are_refused(self, api: APIClient, content_type: str) -> None:
        body = json.dumps(self.entity.body()).encode()
        self.refused(raw(api, "POST", self.entity.path, body, content_type), 415)
        assert self.rows() == 0

    def test_odd_values_never_break_a_field(self, api: APIClient) -> None:
        path = f"{self.entity.path}/{self.create(api)['id']}"
        for name in self.entity.body():
            for value in ODD_VALUES:
                response = api.patch(path, {name: value})
                assert response.status_code in (200, 400), (name, str(value)[:50])
                if response.status_code == 400:
                    self.refused(response)
                    assert all(part.startswith(name) for part in fields_of(response))
                    continue
                # What was taken can be read again.
                assert api.get(path).json() == api.get(self.entity.path).json()["results"][0]

    def test_unknown_related_ids_are_refused(self, api: APIClient) -> None:
        for number in (0, -1, 999_999, 2**63, 10**30):
            for name in self.entity.related:
                response = api.post(self.entity.path, self.entity.body() | {name: number})
                self.refused(response)
                assert fields_of(response) == {name}
            for name in self.entity.related_many:
                response = api.post(self.entity.path, self.entity.body() | {name: [number]})
                self.refused(response)
                assert fields_of(response) == {name}
        assert self.rows() == 0

    @pytest.mark.parametrize("number", ["0", "999999", "9" * 30, "9" * 5000, "abc", "-1", "1.5"])
    def test_unknown_address_is_not_found(self, api: APIClient, number: str) -> None:
        for method in ("get", "put", "patch", "delete"):
            response = getattr(api, method)(f"{self.entity.path}/{number}")
            self.refused(response, 404)
        assert api.get(f"{self.entity.path}/").status_code == 404
