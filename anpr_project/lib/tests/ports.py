"""Ports for the servers that tests start."""

from __future__ import annotations

import secrets
import socket

HOST = "127.0.0.1"
# Below those that the system gives to outgoing connections (from 32,768 on Linux, 49,152 elsewhere):
# one of those may be taken again before the server that it was chosen for listens.
LOWEST, COUNT = 12_000, 20_000


def free_port() -> int:
    """Return a port of loopback on which nothing listens; by chance, for tests run side by side."""
    while True:
        port = LOWEST + secrets.randbelow(COUNT)
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
        return port
