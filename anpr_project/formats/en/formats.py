"""24 hours, with seconds: times are compared with logs and other cameras."""

from __future__ import annotations

DATETIME_FORMAT = "j M Y, H:i:s"
SHORT_DATETIME_FORMAT = "d/m/Y H:i:s"
TIME_FORMAT = "H:i:s"
