"""Health check of a container: exit status 0 when this process answers 200 (or refuses the host name)."""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request

port, path = os.environ.get("PROBE_PORT") or os.environ.get("PORT") or "8000", sys.argv[1]
try:
    # Always http, and always this machine.
    with urllib.request.urlopen(f"http://localhost:{port}{path}", timeout=2.5) as response:  # nosec B310
        status = response.status
except urllib.error.HTTPError as error:
    status = error.code
except OSError as error:
    sys.exit(f"{path} on port {port}: {error}")
# 400 is Django's answer to a host name that ALLOWED_HOSTS does not hold: the process lives.
if status not in {200, 400}:
    sys.exit(f"{path} on port {port}: {status}")
