"""Foreign clients that show who they are: Paho with passwords and certificates, scramp's SCRAM in AUTH packets.

secure_clients.py paho PORT [USER PASSWORD] [--version V] [--tls CA [CERTIFICATE KEY]]: prints the CONNACK's reason, and
with success the payload that a publish brought back.
secure_clients.py scram PORT MECHANISM USER PASSWORD [TWICE]: prints the reason of the CONNACK, and of the second AUTH.
"""
import argparse
import socket
import ssl
import struct
import sys
import threading


def paho(port, user, password, version, tls):
    import paho.mqtt.client as mqtt

    client = mqtt.Client(
        mqtt.CallbackAPIVersion.VERSION2, client_id="paho", protocol=mqtt.MQTTv5 if version == 5 else mqtt.MQTTv311)
    answered, brought = threading.Event(), threading.Event()
    answers, payloads = [], []

    def on_connect(client, data, flags, reason, properties):
        answers.append(reason.value)
        answered.set()

    def on_message(client, data, message):
        payloads.append(message.payload.decode())
        brought.set()

    def on_end(*_):
        # The end of a connection that was not let in.
        answered.set()

    client.on_connect, client.on_message = on_connect, on_message
    client.on_disconnect = client.on_connect_fail = on_end
    if user is not None:
        client.username_pw_set(user, password)
    if tls:
        client.tls_set(ca_certs=tls[0], certfile=tls[1] if len(tls) > 1 else None, keyfile=tls[2] if len(tls) > 2 else None)
    try:
        client.connect("localhost" if tls else "127.0.0.1", port)
    except (ssl.SSLError, ConnectionError) as error:
        print("refused", type(error).__name__)
        return
    client.loop_start()
    if not answered.wait(60):
        sys.exit("no answer")
    if not answers:
        print("refused")
        client.loop_stop()
        return
    print(answers[0])
    if answers[0] == 0:
        client.subscribe("dev/#", 1)
        client.publish("dev/x", "hello", 1).wait_for_publish(60)
        client.publish("dev/x", "hello again", 1).wait_for_publish(60)
        if brought.wait(10):
            print(payloads[0])
    client.disconnect()
    client.loop_stop()


def scram(port, mechanism, user, password, is_repeated):
    from scramp import ScramClient

    connection = socket.create_connection(("127.0.0.1", port), timeout=60)

    def text(value):
        data = value.encode()
        return struct.pack(">H", len(data)) + data

    def frame(kind, body):
        assert len(body) < 16384
        low, high = len(body) & 0x7F, len(body) >> 7
        return bytes([kind]) + (bytes([low | 0x80, high]) if high else bytes([low])) + body

    def properties(data):
        table = b"\x15" + text(mechanism) + b"\x16" + text(data)
        assert len(table) < 16384
        low, high = len(table) & 0x7F, len(table) >> 7
        return (bytes([low | 0x80, high]) if high else bytes([low])) + table

    def read(count):
        data = b""
        while len(data) < count:
            more = connection.recv(count - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def packet():
        kind, length, shift = read(1)[0], 0, 0
        while True:
            byte = read(1)[0]
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        return kind, read(length)

    def data_of(table):
        """The authentication data among encoded properties."""
        length, index, shift = 0, 0, 0
        while True:
            byte = table[index]
            length |= (byte & 0x7F) << shift
            shift += 7
            index += 1
            if byte < 0x80:
                break
        end, found = index + length, ""
        sizes = {0x11: 4, 0x13: 2, 0x21: 2, 0x22: 2, 0x24: 1, 0x25: 1, 0x27: 4, 0x28: 1, 0x29: 1, 0x2A: 1}
        while index < end:
            name = table[index]
            index += 1
            if name in sizes:
                index += sizes[name]
                continue
            size = struct.unpack(">H", table[index:index + 2])[0]
            value = table[index + 2:index + 2 + size]
            index += 2 + size
            if name == 0x16:
                found = value.decode()
        return found

    def exchange(begin, final_kind):
        client = ScramClient([mechanism], user, password)
        begin(client.get_client_first())
        kind, body = packet()
        if kind != 0xF0:
            return body[1] if kind == 0x20 else body[0]
        assert body[0] == 0x18
        client.set_server_first(data_of(body[1:]))
        final = client.get_client_final()
        connection.sendall(frame(0xF0, b"\x18" + properties(final)))
        kind, body = packet()
        if kind == final_kind:
            reason, table = (body[1], body[2:]) if kind == 0x20 else (body[0] if body else 0, body[1:])
            if reason == 0:
                # Raises unless the server knows the secret, too.
                client.set_server_final(data_of(table))
            return reason
        return body[0]

    def connect(first):
        body = text("MQTT") + bytes([5, 2, 0, 60]) + properties(first) + text("scramp")
        connection.sendall(frame(0x10, body))

    print(exchange(connect, 0x20))
    if is_repeated:
        print(exchange(lambda first: connection.sendall(frame(0xF0, b"\x19" + properties(first))), 0xF0))


parser = argparse.ArgumentParser()
parser.add_argument("what")
parser.add_argument("port", type=int)
parser.add_argument("words", nargs="*")
parser.add_argument("--version", type=int, default=5)
parser.add_argument("--tls", nargs="+")
options = parser.parse_args()
if options.what == "paho":
    user, password = (options.words + [None, None])[:2]
    paho(options.port, user, password, options.version, options.tls)
else:
    mechanism, user, password = options.words[:3]
    scram(options.port, mechanism, user, password, len(options.words) > 3)
