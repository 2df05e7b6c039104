"""Compares packets by what they say rather than byte by byte, in place of functions of mosquitto's mosq_test.

The scripts expect the very bytes that mosquitto sends. What the specifications leave open is let through here, and nothing
else:

- the order of properties, and forms that say the same in fewer bytes;
- a Maximum Packet Size in a CONNACK, and reason strings;
- success in place of 'no matching subscribers': a stored message is not lost on nobody [MQTT 5.0 3.4.2.1];
- 0x81 and 0x82 in place of each other, and the codes that say more precisely what is wrong with a name, filter or alias;
- a CONNACK or DISCONNECT of failure before a close [MQTT 5.0 4.13];
- other packet identifiers for what the broker or its bridge sends; the script's answers are translated;
- an acknowledgement before or behind a PUBLISH that has nothing to do with it;
- of bridges: mosquitto's own bit in the protocol level, a session expiry in MQTT 5, and the user properties by which
  Sluice cuts loops.
"""

import atexit
import os
import sys

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = range(1, 8)
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGRESP, DISCONNECT = 8, 9, 10, 11, 13, 14
# Packets that begin something under an identifier, or go on with it, and those that answer them.
NUMBERED = {PUBLISH, PUBREL, SUBSCRIBE, UNSUBSCRIBE}
ANSWERS = {PUBACK, PUBREC, PUBCOMP, SUBACK, UNSUBACK}
ACKNOWLEDGEMENTS = {PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK}

SESSION_EXPIRY = 0x11
MAXIMUM_PACKET_SIZE = 0x27
REASON_STRING = 0x1F
USER_PROPERTY = 0x26

# Bytes of properties with a fixed size; 0 for a string or binary data, -1 for a pair of strings, -2 for a variable byte
# integer.
FORMS = {
    0x01: 1, 0x02: 4, 0x03: 0, 0x08: 0, 0x09: 0, 0x0B: -2, 0x11: 4, 0x12: 0, 0x13: 2, 0x15: 0, 0x16: 0, 0x17: 1,
    0x18: 4, 0x19: 1, 0x1A: 0, 0x1C: 0, 0x1F: 0, 0x21: 2, 0x22: 2, 0x23: 2, 0x24: 1, 0x25: 1, 0x26: -1, 0x27: 4,
    0x28: 1, 0x29: 1, 0x2A: 1,
}

# Reasons that one broker gives where another gives a more general or a more precise one.
MALFORMED = {0x81, 0x82, 0x8F, 0x90}


mosq_test = None


class NotParsed(Exception):
    """Bytes that are no packet of MQTT 5."""


def variable_integer(data):
    """A variable byte integer at the start of `data`, and what follows it."""
    value = 0
    for index, byte in enumerate(data[:4]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value, data[index + 1:]
    raise NotParsed


def string(data):
    """A string with its length at the start of `data`, and what follows it."""
    end = 2 + int.from_bytes(data[:2], "big")
    if len(data) < end:
        raise NotParsed
    return data[2:end], data[end:]


def parse_properties(data):
    """The properties at the start of `data`, sorted by identifier, and what follows them."""
    length, data = variable_integer(data)
    if length > len(data):
        raise NotParsed
    table, rest = data[:length], data[length:]
    found = []
    while table:
        form = FORMS.get(table[0])
        if form is None:
            raise NotParsed
        left = table[1:]
        if form > 0:
            left = left[form:]
        elif form == -2:
            left = variable_integer(left)[1]
        else:
            for _ in range(2 if form < 0 else 1):
                left = string(left)[1]
        found.append((table[0], table[1:len(table) - len(left)]))
        table = left
    # Only user properties have an order that means something; the sort keeps it.
    return sorted(found, key=lambda entry: entry[0]), rest


def parse_body(kind, flags, body):
    """What a packet of MQTT 5 says before its properties, them, and what follows."""
    if kind == CONNECT:
        name, rest = string(body)
        properties, rest = parse_properties(rest[4:])
        return body[:len(name) + 6], properties, rest
    if kind == CONNACK and len(body) >= 3:
        return body[:2], *parse_properties(body[2:])
    if kind == PUBLISH:
        topic, rest = string(body)
        head = len(topic) + (4 if flags & 6 else 2)
        return body[:head], *parse_properties(body[head:])
    if kind in (PUBACK, PUBREC, PUBREL, PUBCOMP) and len(body) >= 2:
        head = body[:3] if len(body) > 2 else body + b"\0"
        return head, *(parse_properties(body[3:]) if len(body) > 3 else ([], b""))
    if kind in (SUBACK, UNSUBACK) and len(body) >= 3:
        return body[:2], *parse_properties(body[2:])
    if kind == DISCONNECT:
        return body[:1] or b"\0", *(parse_properties(body[1:]) if len(body) > 1 else ([], b""))
    raise NotParsed


def content(packet):
    """Type, flags and body of a packet that is whole."""
    length, body = variable_integer(packet[1:])
    if length != len(body):
        raise NotParsed
    return packet[0] >> 4, packet[0] & 0x0F, body


def is_free(kind, entry):
    """Whether a property may be there that is not expected."""
    identifier, value = entry
    if identifier == USER_PROPERTY:
        return kind == PUBLISH and string(value)[0].startswith(b"sluice-")
    if kind == CONNECT:
        return identifier == SESSION_EXPIRY
    return identifier == REASON_STRING or identifier == MAXIMUM_PACKET_SIZE and kind == CONNACK


def are_same_heads(kind, head, expected):
    """Whether what stands before the properties says the same."""
    if head == expected:
        return True
    if kind in (PUBACK, PUBREC):
        return head == expected[:2] + b"\0" and expected[2] == 0x10
    if kind == DISCONNECT:
        return head[0] in MALFORMED and expected[0] in MALFORMED
    return False


def is_equal(received, expected):
    """Whether a packet says what was expected, and nothing else but what the module names."""
    if received == expected:
        return True
    try:
        kind, flags, body = content(received)
        if (kind, flags) != content(expected)[:2]:
            return False
        if kind == CONNECT and received[:8] == expected[:8] and received[8] | 0x80 == expected[8]:
            return received[9:] == expected[9:]
        head, properties, rest = parse_body(kind, flags, body)
        wanted = parse_body(kind, flags, content(expected)[2])
        known = [identifier for identifier, _ in wanted[1]]
        left = [entry for entry in properties if entry[0] in known or not is_free(kind, entry)]
        return are_same_heads(kind, head, wanted[0]) and left == wanted[1] and rest == wanted[2]
    except (NotParsed, IndexError):
        return False


def packet_id(packet):
    """Where the packet identifier of a packet lies, nil when it has none."""
    try:
        kind, flags, body = content(packet)
        start = len(packet) - len(body)
        if kind == PUBLISH:
            return start + 2 + len(string(body)[0]) if flags & 6 else None
        return start if kind in NUMBERED | ANSWERS and len(body) >= 2 else None
    except NotParsed:
        return None


def with_id(packet, number):
    """The packet with another packet identifier."""
    at = packet_id(packet)
    return packet[:at] + number + packet[at + 2:]


def split(packets):
    """The packets in `packets`; bytes that are no whole packet are the last one."""
    found = []
    while packets:
        try:
            length, body = variable_integer(packets[1:])
        except NotParsed:
            return found + [packets]
        end = len(packets) - len(body) + length
        found.append(packets[:end])
        packets = packets[end:]
    return found


class Connection:
    """A script's socket."""

    def __init__(self, sock):
        self.sock = sock
        # Acknowledgements that overtook a PUBLISH, or the other way round.
        self.early = []
        # What the script calls the broker's deliveries, to the broker's own identifiers.
        self.numbers = {}
        everyone.append(self)

    def __getattr__(self, name):
        return getattr(self.sock, name)

    def send(self, data):
        packets = []
        for packet in split(data):
            at = packet_id(packet)
            if at is not None and packet[0] >> 4 in ANSWERS:
                packet = with_id(packet, self.numbers.get(packet[at:at + 2], packet[at:at + 2]))
            packets.append(packet)
        self.sock.sendall(b"".join(packets))
        return len(data)

    def recv(self, count):
        """What the script reads by itself: it takes a close with a reason for a close."""
        data = self.sock.recv(count)
        if data and data[0] >> 4 == DISCONNECT:
            rest = self.receive(data)
            return b"" if self.is_failure(rest) and not self.receive() else rest
        return data

    def receive(self, data=b""):
        """The next packet, or what comes before the connection ends."""
        while True:
            try:
                length, body = variable_integer(data[1:])
                wanted = length - len(body)
            except NotParsed:
                wanted = 1
            if data and wanted <= 0:
                return data
            chunk = self.sock.recv(wanted)
            if not chunk:
                return data
            data += chunk

    @staticmethod
    def is_failure(packet):
        """Whether a packet says why its sender closes the connection."""
        return len(packet) >= 3 and (
            packet[0] >> 4 == DISCONNECT and packet[2] >= 0x80
            or packet[0] >> 4 == CONNACK and len(packet) >= 4 and packet[3] >= 0x80)

    def matches(self, received, expected):
        """Whether a packet is the expected one, under whatever identifier."""
        if is_equal(received, expected):
            return True
        at, place = packet_id(received), packet_id(expected)
        if at is None or place is None or received[0] >> 4 not in NUMBERED:
            return False
        ours, theirs = received[at:at + 2], expected[place:place + 2]
        if not is_equal(with_id(received, theirs), expected):
            return False
        if received[0] >> 4 == PUBREL:
            return self.numbers.get(theirs) == ours
        self.numbers[theirs] = ours
        return True

    def expect(self, name, expected):
        for packet in self.early:
            if self.matches(packet, expected):
                self.early.remove(packet)
                return
        kind = expected[0] >> 4 if expected else 0
        while True:
            received = self.receive()
            if not expected and self.is_failure(received):
                received = self.receive()
            if not self.early and received == expected or self.matches(received, expected):
                # What came too early must have been asked for by now.
                if kind == PINGRESP and self.early:
                    received = self.early[0]
                else:
                    return
            other = received[0] >> 4 if received else 0
            if kind in ACKNOWLEDGEMENTS and other == PUBLISH or kind == PUBLISH and other in ACKNOWLEDGEMENTS:
                self.early.append(received)
                continue
            mosq_test.packet_matches(name, received, expected)
            raise mosq_test.TestError


def expect_packet(sock, name, expected):
    """Stands in for mosq_test.expect_packet."""
    for packet in split(expected) or [b""]:
        connection(sock).expect(name, packet)
    return True


def receive_unordered(sock, first, second, name):
    """Stands in for mosq_test.receive_unordered."""
    here = connection(sock)
    left = [first, second]
    while left:
        early = [packet for packet in here.early if any(here.matches(packet, wanted) for wanted in left)]
        if early:
            here.early.remove(early[0])
        received = early[0] if early else here.receive()
        found = [packet for packet in left if here.matches(received, packet)]
        if not found:
            mosq_test.packet_matches(name, received, left[0])
            raise ValueError(name)
        left.remove(found[0])


connections = {}
everyone = []


def connection(sock):
    """The connection of a socket; scripts that accept bridges have bare ones."""
    if isinstance(sock, Connection):
        return sock
    return connections.setdefault(id(sock), (Connection(sock), sock))[0]


def finish():
    """Fails a script that never expected a packet which came."""
    left = [packet for here in everyone for packet in here.early]
    for packet in left:
        print(f"never expected: {packet}", flush=True)
    if left:
        os._exit(1)


def install(original):
    """Puts our functions in the place of those of `original`, mosquitto's mosq_test."""
    global mosq_test
    mosq_test = original
    do_send_receive = original.do_send_receive
    original.expect_packet = expect_packet
    original.receive_unordered = receive_unordered
    original.do_send_receive = lambda sock, *rest, **named: do_send_receive(connection(sock), *rest, **named)
    sys.modules["mosq_test"] = original
    atexit.register(finish)
