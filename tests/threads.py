"""Where another thread stands, for tests that need it to wait just there."""

from __future__ import annotations

import sys
import threading


def stands_in(thread: threading.Thread, function: str) -> bool:
    frame = sys._current_frames().get(thread.ident or 0)
    while frame is not None and frame.f_code.co_name != function:
        frame = frame.f_back
    return frame is not None
