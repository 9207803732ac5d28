from __future__ import annotations

import pytest
from websockets.frames import Frame as ReferenceFrame
from websockets.frames import Opcode

from events.stream.frames import wire_of


@pytest.mark.parametrize("length", [0, 125, 126, 65_535, 65_536])
def test_wire_is_what_a_websocket_library_would_write(length: int) -> None:
    data = b"x" * length

    assert wire_of(data) == ReferenceFrame(Opcode.TEXT, data).serialize(mask=False)
