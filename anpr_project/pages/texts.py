"""The texts of the pages' scripts, in the language of the viewer."""

from __future__ import annotations

from django.views.decorators.cache import cache_control
from django.views.i18n import JavaScriptCatalog

# As a script of its own: the content policy of the pages allows none inside them.
texts = cache_control(private=True, max_age=3600)(
    JavaScriptCatalog.as_view(packages=["anpr_project"])
)
