#!/usr/bin/env python3
"""Makes shinonome12.bin of the 12-dot Shinonome fonts, as Debian's package xfonts-shinonome installs them.

    apt-get install xfonts-shinonome
    ./convert.py /usr/share/fonts/X11/misc > shinonome12.bin

Read are shnmk12 (Gothic, JIS X 0208, 12 dots wide), shnm6x12a (ASCII) and shnm6x12r (JIS X 0201), both 6 dots wide. What comes
out are two lists, wide and narrow glyphs, each

    count       2 bytes, big-endian
    characters  2 bytes each, ascending: a code point of the basic plane
    glyphs      12 rows each from the top; wide 12 bits a row (18 bytes), narrow 6 bits (9 bytes); 1 is ink
"""

import gzip
import struct
import sys

HEIGHT = 12
# Characters that other tables map to other code points than JIS does.
ALSO = {"〜": "～", "−": "－", "‖": "∥", "―": "—", "¢": "￠", "£": "￡", "¬": "￢"}


class Pcf:
    """A compiled X11 bitmap font: glyph images by encoding."""

    METRICS, BITMAPS, ENCODINGS = 4, 8, 32

    def __init__(self, path):
        self.data = gzip.open(path).read()
        magic, count = struct.unpack_from("<4sI", self.data)
        assert magic == b"\x01fcp", path
        self.tables = {}
        for i in range(count):
            kind, form, _, offset = struct.unpack_from("<4I", self.data, 8 + 16 * i)
            assert struct.unpack_from("<I", self.data, offset) == (form,)
            self.tables[kind] = (offset + 4, form, ">" if form & 4 else "<")
        self.metrics = self._metrics()
        self.encodings = self._encodings()

    def _metrics(self):
        at, form, order = self.tables[self.METRICS]
        if form & 0x100:
            (count,) = struct.unpack_from(order + "H", self.data, at)
            rows = [struct.unpack_from("5B", self.data, at + 2 + 5 * i) for i in range(count)]
            return [[value - 0x80 for value in row] for row in rows]
        (count,) = struct.unpack_from(order + "I", self.data, at)
        return [struct.unpack_from(order + "5h", self.data, at + 4 + 12 * i) for i in range(count)]

    def _encodings(self):
        at, _, order = self.tables[self.ENCODINGS]
        low2, high2, low1, high1, _ = struct.unpack_from(order + "5H", self.data, at)
        found, at = {}, at + 10
        for first in range(low1, high1 + 1):
            for second in range(low2, high2 + 1):
                (glyph,) = struct.unpack_from(order + "H", self.data, at)
                if glyph != 0xFFFF:
                    found[first << 8 | second] = glyph
                at += 2
        return found

    def rows(self, encoding):
        """Twelve numbers of `width` bits."""
        at, form, order = self.tables[self.BITMAPS]
        (count,) = struct.unpack_from(order + "I", self.data, at)
        glyph = self.encodings[encoding]
        (offset,) = struct.unpack_from(order + "I", self.data, at + 4 + 4 * glyph)
        start = at + 4 + 4 * count + 16 + offset
        left, right, width, ascent, descent = self.metrics[glyph]
        pad, unit, bits_first = 1 << (form & 3), 1 << (form >> 4 & 3), bool(form & 8)
        stride = ((right - left + 7) // 8 + pad - 1) // pad * pad
        out = [0] * HEIGHT
        # The fonts have 10 rows above the base line and 2 below.
        for y in range(ascent + descent):
            line = self.data[start + y * stride : start + (y + 1) * stride]
            if bits_first != bool(form & 4):
                line = b"".join(line[i : i + unit][::-1] for i in range(0, stride, unit))
            for x in range(right - left):
                byte = line[x // 8]
                ink = byte >> (7 - x % 8) & 1 if bits_first else byte >> x % 8 & 1
                row = y + 10 - ascent
                if ink and 0 <= row < HEIGHT and 0 <= x + left < width:
                    out[row] |= 1 << (width - 1 - x - left)
        return out


def pack(rows, width):
    bits = 0
    for row in rows:
        bits = bits << width | row
    return bits.to_bytes(HEIGHT * width // 8, "big")


def section(glyphs, width):
    characters = sorted(glyphs)
    out = struct.pack(">H", len(characters))
    out += b"".join(struct.pack(">H", ord(c)) for c in characters)
    return out + b"".join(pack(glyphs[c], width) for c in characters)


def main(folder):
    kanji, latin, kana = (Pcf(f"{folder}/{name}.pcf.gz") for name in ("shnmk12", "shnm6x12a", "shnm6x12r"))
    wide = {}
    for code in kanji.encodings:
        try:
            character = bytes([code >> 8 | 0x80, code & 0xFF | 0x80]).decode("euc_jp")
        except UnicodeDecodeError:
            continue
        wide[character] = kanji.rows(code)
    for character, other in ALSO.items():
        if character in wide:
            wide[other] = wide[character]
    narrow = {chr(code): latin.rows(code) for code in range(0x20, 0x7F)}
    for code in range(0xA1, 0xE0):
        narrow[bytes([code]).decode("shift_jis")] = kana.rows(code)
    narrow["¥"], narrow["‾"] = kana.rows(0x5C), kana.rows(0x7E)
    wide = {c: rows for c, rows in wide.items() if len(c) == 1 and ord(c) <= 0xFFFF and c not in narrow}
    sys.stdout.buffer.write(section(wide, 12) + section(narrow, 6))


if __name__ == "__main__":
    main(sys.argv[1])
