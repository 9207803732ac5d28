"""Admin pages of users and roles, and of failed sign-ins."""

from __future__ import annotations

from typing import Any

from axes.models import AccessAttempt
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from anpr_project.models import Authenticator
from anpr_project.sign_in import end_all

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class PersonAdmin(UserAdmin, ModelAdmin):  # type: ignore[misc,type-arg]  # unfold has no types
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "email", "is_staff", "is_active", "has_second_factor", "last_login"]
    actions = ["reset_second_factor", "end_sessions"]
    # Roles say what one may do; Django's two hundred single permissions would only hide them.
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Access", {"fields": ("is_active", "is_staff", "is_superuser", "groups")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ()
    autocomplete_fields = ("groups",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        confirmed = Authenticator.objects.filter(user=OuterRef("pk"), confirmed=True)
        rows: QuerySet[User] = super().get_queryset(request)
        return rows.annotate(second_factor=Exists(confirmed))

    @admin.display(description="second factor", boolean=True, ordering="second_factor")
    def has_second_factor(self, user: Any) -> bool:
        return bool(user.second_factor)

    @admin.action(description="Remove the second factor, end all sessions", permissions=["change"])
    def reset_second_factor(self, request: HttpRequest, users: QuerySet[User]) -> None:
        for user in users:
            Authenticator.remove_from(user)
            end_all(user)
            self.log_change(request, user, "Removed the second factor and ended all sessions.")
        messages.success(
            request, "They sign in with the password alone, until they set up a new one."
        )

    @admin.action(description="End all sessions and tokens", permissions=["change"])
    def end_sessions(self, request: HttpRequest, users: QuerySet[User]) -> None:
        for user in users:
            end_all(user)
            self.log_change(request, user, "Ended all sessions and tokens.")
        messages.success(request, "All sessions and tokens are ended.")

    def user_change_password(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """A new password by an administrator ends what the old one opened."""
        answer: HttpResponse = super().user_change_password(request, *args, **kwargs)
        if request.method == "POST" and answer.status_code == 302:
            user = self.get_object(request, str(kwargs.get("id") or args[0]))
            if isinstance(user, User):
                end_all(user, but=request)
        return answer


@admin.register(Group)
class RoleAdmin(GroupAdmin, ModelAdmin):  # type: ignore[misc]  # unfold has no types
    pass


@admin.register(AccessAttempt)
class FailedSignInAdmin(ModelAdmin):  # type: ignore[misc]  # unfold has no types
    """Deleting a row unlocks that name at that address."""

    list_display = ["username", "ip_address", "failures_since_start", "attempt_time", "user_agent"]
    search_fields = ["username", "ip_address"]
    list_per_page = 50
    fields = ["username", "ip_address", "failures_since_start", "attempt_time", "user_agent"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
