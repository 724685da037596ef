"""The meter in C99 as a library of this program: built with gcc, and called through its own interface."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

SOURCES = Path(__file__).parent / "c99"
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Os")
LONGEST_SENT = 160
GLUE = r"""
#include <stdlib.h>
#include "mg_meter.h"
size_t glue_meter_size(void) { return sizeof(mg_meter); }
size_t glue_flash_size(void) { return sizeof(mg_flash); }
mg_meter *glue_new(const char *site, const char *id, const uint8_t *first, const uint8_t *second,
    void (*save)(void *, const mg_flash *), void (*set_relay)(void *, int), int (*read_relay)(void *),
    void (*send)(void *, const char *, const uint8_t *, size_t))
{
    mg_meter *meter = calloc(1, sizeof *meter);
    meter->hardware = (mg_hardware){NULL, save, set_relay, read_relay, send};
    meter->site = site; meter->id = id; meter->keys[0] = first; meter->keys[1] = second;
    meter->sign_with = first == NULL;
    return meter;
}
void glue_boot(mg_meter *meter, uint32_t epoch, const uint8_t *saved)
{
    mg_flash flash;
    for (size_t i = 0; i < sizeof flash; i++) ((uint8_t *)&flash)[i] = saved ? saved[i] : 0;
    if (!saved) { flash.epoch = epoch; flash.seq_reserved = 1; }
    mg_boot(meter, &flash);
}
void glue_free(mg_meter *meter) { free(meter); }
"""
SAVE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
SET_RELAY = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int)
READ_RELAY = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
SEND = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p, ctypes.POINTER(ctypes.c_uint8), ctypes.c_size_t)


def built(folder: Path) -> ctypes.CDLL | None:
    """Build the sources as a library in a folder, or return nothing where there is no compiler."""
    compiler = shutil.which("gcc")
    if compiler is None:
        return None
    (folder / "glue.c").write_text(GLUE)
    library = folder / "meter.so"
    sources = [*sorted(SOURCES.glob("*.c")), folder / "glue.c"]
    words = [compiler, *STRICT, "-shared", "-fPIC", f"-I{SOURCES}", "-o", library, *sources]
    subprocess.run([str(word) for word in words], check=True)  # noqa: S603 - a fixed command
    loaded = ctypes.CDLL(str(library))
    loaded.glue_new.restype = ctypes.c_void_p
    loaded.glue_flash_size.restype = loaded.glue_meter_size.restype = loaded.mg_will.restype = ctypes.c_size_t
    return loaded


@dataclass
class CMeter:
    """A meter in C behind a relay, with nothing saved; what it says is collected."""

    library: ctypes.CDLL
    keys: Sequence[bytes | None]
    epoch: int
    site: str = "kisiju"
    name: str = "M-104"
    closed: bool = False
    welded: bool = False
    flash: bytes = b""
    said: list[tuple[str, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        first, second = (*self.keys, None)[:2]
        self._names = tuple(ctypes.c_char_p(text) for text in (self.site.encode(), self.name.encode(), first, second))
        self._calls = SAVE(self._save), SET_RELAY(self._set), READ_RELAY(lambda _: int(self.closed)), SEND(self._send)
        self._meter = ctypes.c_void_p(self.library.glue_new(*self._names, *self._calls))
        self.library.glue_boot(self._meter, ctypes.c_uint32(self.epoch), None)

    def connect(self, birth: int) -> None:
        """Let the link come up."""
        self.library.mg_connected(self._meter, ctypes.c_uint32(birth))

    def will(self, birth: int) -> bytes:
        """Return what the broker is to publish when this coming ends."""
        body = (ctypes.c_uint8 * LONGEST_SENT)()
        size = self.library.mg_will(self._meter, ctypes.c_uint32(birth), body)
        return bytes(body[:size])

    def hear(self, kind: str, body: bytes) -> None:
        """Let a message come."""
        self.library.mg_message(self._meter, kind.encode(), body, ctypes.c_size_t(len(body)))

    def step(self, power_w: int, seconds: int) -> None:
        """Let time pass."""
        self.library.mg_step(self._meter, ctypes.c_uint32(power_w), ctypes.c_uint32(seconds))

    def cut_power(self) -> None:
        """Take the power away and give it back."""
        self.closed = self.welded
        self.library.glue_boot(self._meter, ctypes.c_uint32(0), self.flash)

    def lose_memory(self, epoch: int) -> None:
        """Take the power away and give it back, with nothing saved."""
        self.closed = self.welded
        self.library.glue_boot(self._meter, ctypes.c_uint32(epoch), None)

    def free(self) -> None:
        """Give the memory back."""
        self.library.glue_free(self._meter)

    def _save(self, _: object, flash: int) -> None:
        self.flash = ctypes.string_at(flash, self.library.glue_flash_size())

    def _set(self, _: object, closed: int) -> None:
        self.closed = bool(closed) or self.welded

    def _send(self, _: object, kind: bytes, body: object, count: int) -> None:
        self.said.append((kind.decode(), ctypes.string_at(body, count)))  # type: ignore[arg-type]  # a pointer
