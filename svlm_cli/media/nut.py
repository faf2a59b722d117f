"""Parses NUT, the container in which ffmpeg pipes pictures, as far as that requires.

One video stream, read once, in order. Layout from the NUT Open Container Format specification, version 3. Knows nothing
about the contents of packets.
"""

import io
from typing import NamedTuple

_FILE_ID = b"nut/multimedia container\0"
_MAIN_HEADER = b"NM\x7a\x56\x1f\x5f\x04\xad"
_START_CODE = ord("N")  # no frame code is an N: it starts the eight bytes of a start code

_CODED_PTS, _STREAM_ID, _SIZE_MSB, _CHECKSUM, _RESERVED = 8, 16, 32, 64, 128
_HEADER_IDX, _MATCH_TIME, _CODED = 1024, 2048, 4096


Readable = io.RawIOBase | io.BufferedIOBase


class _Code(NamedTuple):
    """The meaning of the first byte of a frame."""

    flags: int
    size_mul: int
    size_lsb: int
    reserved: int
    header: int


class NutReader:
    """The packets of the first video stream, as they arrive through `stream`. Buffers nothing."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._begun = False
        self._codes: list[_Code] = []
        self._headers: list[bytes] = []  # elided headers: packet prefixes that the stream leaves out

    def read(self) -> bytearray | None:
        """The next packet; None at the end, or if the stream ends inside a packet."""
        try:
            if not self._begun:
                if _exactly(self._stream, len(_FILE_ID)) != _FILE_ID:
                    return None
                self._begun = True
            while (code := _byte(self._stream)) == _START_CODE:
                self._read_block()
            return self._read_frame(self._codes[code])
        except EOFError:
            return None

    def _read_block(self) -> None:
        """Read a header, a sync point or an index; only the main header matters."""
        start_code = b"N" + _exactly(self._stream, 7)
        size = _unsigned(self._stream)
        if size > 4096:
            _exactly(self._stream, 4)  # checksum of the block header
        body = _exactly(self._stream, size)
        if start_code == _MAIN_HEADER:
            self._read_main_header(io.BytesIO(body))

    def _read_main_header(self, body: Readable) -> None:
        if _unsigned(body) > 3:
            _unsigned(body)  # minor version
        _unsigned(body)  # streams
        _unsigned(body)  # maximum distance between sync points
        for _ in range(2 * _unsigned(body)):
            _unsigned(body)  # time bases
        self._codes = []
        size_mul, header = 1, 0
        while len(self._codes) < 256:
            flags = _unsigned(body)
            fields = [(_signed if index in (0, 6) else _unsigned)(body) for index in range(_unsigned(body))]
            size_mul = fields[1] if len(fields) > 1 else size_mul
            size_lsb = fields[3] if len(fields) > 3 else 0
            reserved = fields[4] if len(fields) > 4 else 0
            count = fields[5] if len(fields) > 5 else size_mul - size_lsb
            header = fields[7] if len(fields) > 7 else header
            for step in range(count):
                if len(self._codes) == _START_CODE:
                    self._codes.append(_Code(0, 1, 0, 0, 0))
                self._codes.append(_Code(flags, size_mul, size_lsb + step, reserved, header))
        self._headers = [b""] + [_exactly(body, _unsigned(body)) for _ in range(_unsigned(body))]

    def _read_frame(self, code: _Code) -> bytearray:
        stream = self._stream
        flags = code.flags
        if flags & _CODED:
            flags ^= _unsigned(stream)
        if flags & _STREAM_ID:
            _unsigned(stream)
        if flags & _CODED_PTS:
            _unsigned(stream)
        size = code.size_lsb + code.size_mul * (_unsigned(stream) if flags & _SIZE_MSB else 0)
        if flags & _MATCH_TIME:
            _unsigned(stream)
        header = self._headers[_unsigned(stream) if flags & _HEADER_IDX else code.header]
        for _ in range(_unsigned(stream) if flags & _RESERVED else code.reserved):
            _unsigned(stream)
        if flags & _CHECKSUM:
            _exactly(stream, 4)
        packet = bytearray(size)
        packet[: len(header)] = header
        _fill(stream, memoryview(packet)[len(header) :])
        return packet


def _byte(stream: Readable) -> int:
    return _exactly(stream, 1)[0]


def _exactly(stream: Readable, size: int) -> bytes:
    data = bytearray(size)
    _fill(stream, memoryview(data))
    return bytes(data)


def _fill(stream: Readable, target: memoryview) -> None:
    while target:
        count = stream.readinto(target)
        if not count:
            raise EOFError
        target = target[count:]


def _unsigned(stream: Readable) -> int:
    """A variable-length integer: seven bits per byte, the highest first; a set top bit means that more follow."""
    value = 0
    while True:
        byte = _byte(stream)
        value = value << 7 | byte & 127
        if byte < 128:
            return value


def _signed(stream: Readable) -> int:
    value = _unsigned(stream) + 1
    return -(value >> 1) if value & 1 else value >> 1
