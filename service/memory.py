"""What the C library keeps of the memory that was freed; it is told of where it is glibc."""

import ctypes
from contextlib import suppress

_ARENA_MAX = -8
"""``M_ARENA_MAX`` of glibc's ``malloc.h``."""


def pool() -> None:
    """Let all threads take memory from one pool, before they have pools of their own that hold what the others lack."""
    with suppress(AttributeError):
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)


def give_back() -> None:
    """Give freed memory back to the system.

    Changing the model frees some hundred megabytes in pieces too small for glibc to give back by itself: without this
    and one pool, memory grows with every reload.
    """
    with suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
