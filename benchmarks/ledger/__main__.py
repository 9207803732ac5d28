"""Attacks the whole product and compares what comes out with a ledger; `--help` lists the parts."""

from __future__ import annotations

import sys
from pathlib import Path

# Not this folder itself, whose modules would hide those of the product.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from ledger.command import main  # noqa: E402 - after the path

if __name__ == "__main__":
    sys.exit(main())
