#!/usr/bin/env python3
"""What single requests to produce cost a broker.

    produce_requests.py SLUICE APPEND_FLOOR [KAFKA_HOME]

- *large*: batches of 128 kB, five under way, beside a program in C that reads, copies, checks and writes (append_floor.c);
- *small*: 1,000 producers that send one keyed record of 100 bytes a request, 5,000 a second together, beside Apache
  Kafka when there is one.

Sluice has every batch on the device before it answers; Kafka and the C program have it in the page cache. CPU is the
process's, of all its threads.
"""
import json
import os
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

TABLE = []
for byte in range(256):
    for _ in range(8):
        byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
    TABLE.append(byte)


def crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value = value >> 8 ^ TABLE[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF


def varint(value):
    value = value << 1 ^ value >> 63
    result = b""
    while value > 127:
        result += bytes([value & 127 | 128])
        value >>= 7
    return result + bytes([value])


def batch(values, key):
    """A record batch of version 2."""
    records = b""
    for offset, value in enumerate(values):
        record = b"\0" + varint(0) + varint(offset) + varint(len(key)) + key + varint(len(value)) + value + varint(0)
        records += varint(len(record)) + record
    now = int(time.time() * 1000)
    rest = struct.pack(">hiqqqhii", 0, len(values) - 1, now, now, -1, -1, -1, len(values)) + records
    return struct.pack(">qiibI", 0, 9 + len(rest), -1, 2, crc32c(rest)) + rest


def produce(topic, partition, data):
    """A request to produce, version 7, acks=all."""
    name = struct.pack(">h", len(topic)) + topic
    body = struct.pack(">hhi", -1, -1, 30000) + struct.pack(">i", 1) + name
    body += struct.pack(">iii", 1, partition, len(data)) + data
    message = struct.pack(">hhih", 0, 7, 1, -1) + body
    return struct.pack(">i", len(message)) + message


def cpu_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def take_answer(client):
    have = b""
    while len(have) < 4 or len(have) < 4 + struct.unpack(">i", have[:4])[0]:
        more = client.recv(65536)
        if not more:
            raise SystemExit("the broker closed a connection")
        have += more
    return have


def large(pid, port, request, count=6000, window=5):
    client = socket.create_connection(("127.0.0.1", port))
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    cpu, have, answered, sent = cpu_seconds(pid), b"", 0, 0
    while answered < count:
        while sent < count and sent - answered < window:
            client.sendall(request)
            sent += 1
        have += client.recv(65536)
        while len(have) >= 4 and len(have) >= 4 + struct.unpack(">i", have[:4])[0]:
            have = have[4 + struct.unpack(">i", have[:4])[0]:]
            answered += 1
    client.close()
    return (cpu_seconds(pid) - cpu) * 1000 / (count * len(request) / 1e6)


def small(pid, port, topic, producers=1000, rate=5000, seconds=10):
    clients, requests, poll = [], [], select.epoll()
    by_descriptor = {}
    for number in range(producers):
        client = socket.create_connection(("127.0.0.1", port))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        requests.append(produce(topic, number % 4, batch([b"v" * 100], b"dev%d" % number)))
        poll.register(client.fileno(), select.EPOLLIN)
        by_descriptor[client.fileno()] = client
        clients.append(client)
    cpu, begin, sent, answered = cpu_seconds(pid), time.time(), 0, 0
    while time.time() - begin < seconds or answered < sent:
        due = min(int((time.time() - begin) * rate), int(seconds * rate))
        while sent < due:
            clients[sent % producers].send(requests[sent % producers])
            sent += 1
        # Producers do not send together: waits of epoll end with whole milliseconds.
        time.sleep(0.0001)
        for descriptor, _ in poll.poll(0):
            answered += by_descriptor[descriptor].recv(65536).count(b"\0\0\0\1", 4, 12) or 1
    cpu = cpu_seconds(pid) - cpu
    for client in clients:
        client.close()
    return cpu / sent * 1e6, sent / (time.time() - begin)


def wait_for(port):
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)


def main():
    sluice, floor = sys.argv[1], sys.argv[2]
    kafka = sys.argv[3] if len(sys.argv) > 3 else None
    values = [os.urandom(1000) for _ in range(128)]
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIRECTORY")) as directory:
        ready = os.path.join(directory, "ready")
        broker = subprocess.Popen(
            [sluice, "serve", "--data", os.path.join(directory, "data"), "--mqtt", "127.0.0.1:0", "--kafka",
             "127.0.0.1:0", "--ready-file", ready], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        bound = other = None
        try:
            while not os.path.exists(ready):
                time.sleep(0.02)
            addresses = json.load(open(ready))
            port = int(addresses["kafka"].split(",")[0].rsplit(":", 1)[1])
            for name in ("large", "small"):
                subprocess.run(
                    [sluice, "streams", "create", name, "--partitions", "4", "--broker", addresses["mqtt"].split(",")[0]],
                    check=True, stdout=subprocess.DEVNULL)
            request = produce(b"large", 0, batch(values, b"k"))
            bound = subprocess.Popen(
                [floor, os.path.join(directory, "floor"), str(len(request))], stdout=subprocess.PIPE)
            bound_port = int(bound.stdout.readline())
            for _ in range(3):
                least = large(bound.pid, bound_port, request)
                ours = large(broker.pid, port, request)
                print(f"large: C {least:.2f} ms CPU/MB, Sluice {ours:.2f}, ratio {ours / least:.2f}", flush=True)
            if kafka:
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", 0))
                    kafka_port = probe.getsockname()[1]
                other = subprocess.Popen(
                    [f"{kafka}/bin/kafka-node", os.path.join(directory, "kafka"), str(kafka_port)],
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                    env=dict(os.environ, KAFKA_HEAP_OPTS="-Xmx1G -Xms1G"))
                wait_for(kafka_port)
                subprocess.run(
                    [f"{kafka}/bin/kafka", "topics", "--bootstrap-server", f"127.0.0.1:{kafka_port}", "--create",
                     "--topic", "small", "--partitions", "4"], check=True, stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL)
            for _ in range(3):
                ours, rate = small(broker.pid, port, b"small")
                line = f"small: Sluice {ours:.1f} us CPU a record at {rate:.0f}/s"
                if kafka:
                    theirs, their_rate = small(other.pid, kafka_port, b"small")
                    line += f", Kafka {theirs:.1f} at {their_rate:.0f}/s, ratio {ours / theirs:.2f}"
                print(line, flush=True)
        finally:
            for process in (broker, bound, other):
                if process:
                    process.terminate()
                    process.wait()
            shutil.rmtree(os.path.join(directory, "data"), ignore_errors=True)


main()
