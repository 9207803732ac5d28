from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from anpr_project.models import Authenticator
from anpr_project.sign_in import end_all


class Command(BaseCommand):
    help = "Removes a user's second factor and ends all their sessions and tokens."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")

    def handle(self, *args: Any, username: str, **options: Any) -> None:
        user = User.objects.filter(username=username).first()
        if user is None:
            raise CommandError(f"There is no user {username!r}.")
        Authenticator.remove_from(user)
        end_all(user)
        self.stdout.write(f"{username} signs in with the password alone now.")
