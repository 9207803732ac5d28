"""Starts granian as its command does, with what its own processes say in lines like ours.

The product is loaded in its workers only.
"""

from __future__ import annotations

import logging

from granian.cli import entrypoint

from anpr_project.lib.log_lines import write_to_stderr


class Unasked(logging.Filter):
    """Leaves out the warning about many threads: nearly all of ours only wait for their turn."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "Python threads, which seems quite high" not in record.getMessage()


# In the workers too, until Django sets up the product's own.
write_to_stderr("WARNING").addFilter(Unasked())

if __name__ == "__main__":
    entrypoint()  # type: ignore[no-untyped-call]
