"""Prints header and points of a grey PNG of one bit: an independent reader of what the crate `png` wrote."""

import struct
import sys
import zlib

data = open(sys.argv[1], "rb").read()
assert data[:8] == b"\x89PNG\r\n\x1a\n"
at, packed, kinds = 8, b"", []
while at < len(data):
    length, kind = struct.unpack_from(">I4s", data, at)
    body = data[at + 8 : at + 8 + length]
    assert struct.unpack_from(">I", data, at + 8 + length)[0] == zlib.crc32(kind + body)
    kinds.append(kind.decode())
    if kind == b"IHDR":
        width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", body)
    if kind == b"IDAT":
        packed += body
    at += 12 + length
print(width, height, depth, colour, interlace, ",".join(kinds))
stride, raw = (width + 7) // 8, zlib.decompress(packed)
assert len(raw) == height * (stride + 1)
above = bytes(stride)
for y in range(height):
    kind, line = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1 : (y + 1) * (stride + 1)])
    for i in range(stride):
        a, b, c = (line[i - 1] if i else 0), above[i], (above[i - 1] if i else 0)
        nearest = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
        line[i] = (line[i] + [0, a, b, (a + b) // 2, nearest][kind]) & 0xFF
    above = bytes(line)
    print("".join("." if above[x // 8] >> (7 - x % 8) & 1 else "#" for x in range(width)))
