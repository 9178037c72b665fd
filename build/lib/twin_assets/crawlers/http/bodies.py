"""A body's bytes, unpacked and counted while they come."""

import zlib
from collections.abc import Iterable, Iterator

from twin_assets.crawlers.http.faults import FetchError, Reason

ACCEPT_ENCODING = "gzip"

_PIECE = 64 * 1024  # a gzip bomb is a thousand times its size: unpack a little at a time


def unpacked(chunks: Iterable[bytes], encoding: str, max_bytes: int) -> Iterator[bytes]:
    """Yield the body without its content encoding, ``max_bytes`` at most.

    The limit holds for the bytes as they come over the network and for the unpacked ones.

    Raises:
        FetchError: the body is larger, after the part within the limit was yielded; or it has an
            encoding that was not asked for, or a broken one.
    """
    within = _limited(chunks, max_bytes)
    match encoding.strip().lower():
        case "" | "identity":
            yield from within
        case "gzip" | "x-gzip":
            yield from _limited(_gunzipped(within), max_bytes)
        case _:
            raise FetchError(Reason.BROKEN, "the body has an encoding that was not asked for")


def _limited(chunks: Iterable[bytes], max_bytes: int) -> Iterator[bytes]:
    room = max_bytes
    for chunk in chunks:
        yield chunk[:room]
        room -= len(chunk)
        if room < 0:
            raise too_large(max_bytes)


def too_large(max_bytes: int) -> FetchError:
    """Return the fault of a body over the limit."""
    return FetchError(Reason.TOO_LARGE, f"the body is larger than {max_bytes:,} bytes")


def _gunzipped(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Unpack one gzip member after the other; what follows the last is padding."""
    member = zlib.decompressobj(wbits=31)
    members = 0
    begun = False
    for packed in chunks:
        rest = packed
        while rest:
            if not begun and members and not rest.startswith(b"\x1f"):
                return
            begun = True
            try:
                piece = member.decompress(rest, _PIECE)
            except zlib.error:
                raise _broken() from None
            if piece:
                yield piece
            rest = member.unconsumed_tail
            if member.eof:
                rest = member.unused_data
                member = zlib.decompressobj(wbits=31)
                members += 1
                begun = False
    if begun:
        raise _broken()


def _broken() -> FetchError:
    return FetchError(Reason.BROKEN, "the compressed body is broken")
