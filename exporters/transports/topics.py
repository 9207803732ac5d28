"""MQTT topics from a template, safe whatever a camera read off a plate; Kafka's fixed names."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

PLACEHOLDERS = frozenset({"plate", "camera", "zone", "sensor", "region", "event_id"})
MAX_BYTES = 512
MAX_VALUE = 64
_safe_value = re.compile(rf"[A-Za-z0-9_-]{{1,{MAX_VALUE}}}")
_braces = re.compile(r"\{([^{}]*)\}")
# Wildcards, which only subscribers may use; controls and noncharacters, for which brokers cut the
# connection.
_forbidden = re.compile("[+#\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_kafka_name = re.compile(r"[a-zA-Z0-9._-]{1,249}")


def topic_value(text: str) -> str:
    """Return the text if it is harmless, else `_` and a hash: what differs stays different."""
    if _safe_value.fullmatch(text):
        return text
    return "_" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def fill_topic(template: str, fields: Mapping[str, str]) -> str:
    """Put the values into a checked template."""
    return _braces.sub(lambda found: topic_value(fields.get(found[1], "")), template)


def _check_text(text: str) -> None:
    if not text:
        raise ValueError("must not be empty.")
    if text.startswith("$"):
        raise ValueError("must not start with $: those topics belong to the broker.")
    found = _forbidden.search(text)
    if found:
        raise ValueError(f"must not hold the character U+{ord(found.group()):04X}.")
    if "" in text.split("/"):
        raise ValueError("must not have an empty level.")


def check_topic(topic: str) -> None:
    """Raise ValueError unless this can be published to as it stands."""
    _check_text(topic)
    if "{" in topic or "}" in topic:
        raise ValueError("must not have placeholders.")
    if len(topic.encode()) > MAX_BYTES:
        raise ValueError(f"must not be longer than {MAX_BYTES} bytes.")


def check_topic_template(template: str) -> None:
    """Raise ValueError unless every event makes a topic that can be published to."""
    _check_text(template)
    for name in _braces.findall(template):
        if name not in PLACEHOLDERS:
            known = ", ".join(sorted(PLACEHOLDERS))
            raise ValueError(f"does not know the placeholder {{{name}}}; there are {known}.")
    longest = _braces.sub("v" * MAX_VALUE, template)
    if "{" in longest or "}" in longest:
        raise ValueError("has a brace without its partner.")
    if len(longest.encode()) > MAX_BYTES:
        raise ValueError(f"can become longer than {MAX_BYTES} bytes.")


def check_kafka_topic(name: str) -> None:
    """Raise ValueError unless Kafka takes the name."""
    if not _kafka_name.fullmatch(name) or name in {".", ".."}:
        raise ValueError("must be 1 to 249 letters, digits, dots, underscores or hyphens.")
