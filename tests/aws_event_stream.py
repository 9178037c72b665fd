"""The binary frames that AWS streams events in (application/vnd.amazon.eventstream)."""

from struct import pack
from zlib import crc32

_STRING = 7  # the type of every header that is used here
_PRELUDE_AND_CHECKSUMS = 16  # bytes: two lengths, the prelude's checksum, the frame's


def encode_frame(headers: dict[str, str], payload: bytes) -> bytes:
    """Return one frame: its lengths, their checksum, the headers, the payload, a checksum."""
    encoded = b"".join(
        pack(">B", len(name)) + name.encode() + pack(">BH", _STRING, len(value)) + value.encode()
        for name, value in headers.items()
    )
    lengths = pack(">II", _PRELUDE_AND_CHECKSUMS + len(encoded) + len(payload), len(encoded))
    frame = lengths + pack(">I", crc32(lengths)) + encoded + payload
    return frame + pack(">I", crc32(frame))


def encode_event(name: str, payload: bytes) -> bytes:
    """Return the frame of an event."""
    headers = {":message-type": "event", ":event-type": name}
    return encode_frame({**headers, ":content-type": "application/octet-stream"}, payload)


def encode_exception(name: str, payload: bytes) -> bytes:
    """Return the frame of an exception, after which the stream ends."""
    headers = {":message-type": "exception", ":exception-type": name}
    return encode_frame({**headers, ":content-type": "application/json"}, payload)
