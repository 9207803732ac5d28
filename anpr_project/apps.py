from __future__ import annotations

from django.apps import AppConfig


class ProjectConfig(AppConfig):
    name = "anpr_project"
    verbose_name = "ANPR Cloud"
