"""Eight commands to the card of vsmartcard's emulator, in this process, and a copy of it that is gone back to; as
`benches/benches/sessions.rs` does with ours. Prints nanoseconds as JSON. Run by `benches/sessions`.

The commands are those that this card answers: SELECT, a query and two VERIFY, two GET CHALLENGE, a READ BINARY and a GET DATA that it
refuses. It writes no memory that would survive it.
"""

import copy
import json
import logging
import time

from virtualsmartcard.CardGenerator import CardGenerator
from virtualsmartcard.VirtualSmartcard import Iso7816OS

COMMANDS = [
    ("00A4000C023F00", 0x9000),
    ("00200001", 0x6300),
    ("0020000104" + b"1234".hex(), 0x9000),
    ("0020000108" + b"1234".ljust(8, b"\0").hex(), 0x9000),
    ("0084000008", 0x9000),
    ("00B0810000", 0x6A82),
    ("0084000008", 0x9000),
    ("00CA004200", 0x6A81),
]
SEQUENCE = [(bytes.fromhex(command), sw.to_bytes(2, "big")) for command, sw in COMMANDS]


def measured(act, seconds=2.0):
    """Nanoseconds for one, over so long."""
    act()
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        for _ in range(10):
            act()
        count += 10
    return (time.perf_counter() - began) / count * 1e9


def main():
    logging.disable(logging.CRITICAL)
    card = Iso7816OS(*CardGenerator("iso7816").getCard())

    def run():
        for command, sw in SEQUENCE:
            answer = card.execute(command)
            assert answer[-2:] == sw, (command.hex(), answer.hex())

    print(json.dumps({"eight commands": measured(run), "restore": measured(lambda: copy.deepcopy(card))}))


main()
