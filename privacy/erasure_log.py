"""Which plates were erased and when, as digests and outside the database: a restored backup needs it."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from privacy.digest import plate_digest

logger = logging.getLogger(__name__)
FILE_NAME = "erasures.log"
# As it stands in the file and in the log, whatever is around it.
NOTED = re.compile(
    r"(?P<at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) erased (?P<digest>[0-9a-f]{32})"
)


def erasure_log() -> Path:
    return Path(settings.DATA_DIR) / FILE_NAME


def note_erasures(plates: Iterable[str]) -> None:
    """Append the plates' digests to the file and to the log, with the time."""
    for plate in plates:
        line = f"{timezone.now():%Y-%m-%dT%H:%M:%S.%fZ} erased {plate_digest(plate)}"
        logger.info("plate erased", extra={"erasure": line})
        try:
            with erasure_log().open("a") as file:
                file.write(f"{line}\n")
        except OSError as error:
            logger.warning("erasure is in the log alone", extra={"reason": error.strerror})


def noted_erasures(lines: Iterable[str]) -> dict[str, datetime]:
    """Return when each digest was noted last, by any text that holds such lines."""
    found: dict[str, datetime] = {}
    for line in lines:
        for noted in NOTED.finditer(line):
            at = datetime.strptime(noted["at"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
            found[noted["digest"]] = max(at, found.get(noted["digest"], at))
    return found
