#!/usr/bin/env python3
"""What consumers cost that wait for records which do not come.

    idle_consumers.py SLUICE FLOOR [consumers] [seconds]

Each consumer asks again as soon as it is answered, with `fetch.max.wait.ms` 500 as Kafka's clients have it, then 5000.
FLOOR is a program in C that reads, waits and answers, and does nothing else (idle_floor.c). Prints the CPU of each
process as a share of a core and for each request, and the memory of a consumer.
"""
import json
import os
import select
import socket
import struct
import subprocess
import sys
import tempfile
import time

TOPIC = b"idle"


def string(value):
    return struct.pack(">h", len(value)) + value


def fetch(wait):
    """A Fetch, version 11, of one partition, as librdkafka sends it."""
    body = struct.pack(">iiiibii", -1, wait, 1, 1 << 20, 0, 0, -1)
    body += struct.pack(">i", 1) + string(TOPIC) + struct.pack(">iiiqqi", 1, 0, -1, 0, -1, 1 << 20)
    body += struct.pack(">i", 0) + string(b"")
    message = struct.pack(">hhi", 1, 11, 7) + string(b"idle") + body
    return struct.pack(">i", len(message)) + message


def cpu_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_kibibytes(pid):
    return next(int(line.split()[1]) for line in open(f"/proc/{pid}/status") if line.startswith("VmRSS"))


def measure(name, pid, port, count, seconds, wait):
    before = resident_kibibytes(pid)
    poll, sockets, request = select.epoll(), {}, fetch(wait)
    for _ in range(count):
        client = socket.create_connection(("127.0.0.1", port))
        client.setblocking(False)
        sockets[client.fileno()] = client
        poll.register(client.fileno(), select.EPOLLIN)
        client.send(request)
    time.sleep(1)
    memory = (resident_kibibytes(pid) - before) / count
    requests, cpu, begin = 0, cpu_seconds(pid), time.time()
    while time.time() - begin < seconds:
        for descriptor, _ in poll.poll(0.5):
            if not sockets[descriptor].recv(65536):
                raise SystemExit(f"{name} closed a connection")
            sockets[descriptor].send(request)
            requests += 1
    cpu, elapsed = cpu_seconds(pid) - cpu, time.time() - begin
    for client in sockets.values():
        client.close()
    print(
        f"{name}: {count} consumers, wait {wait} ms: {requests / elapsed:.0f} requests/s, {100 * cpu / elapsed:.2f} % of a"
        f" core, {1e6 * cpu / max(1, requests):.1f} us a request, {memory:.1f} KiB a consumer", flush=True)
    return cpu / max(1, requests)


def main():
    sluice, floor = sys.argv[1], sys.argv[2]
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 1000
    seconds = float(sys.argv[4]) if len(sys.argv) > 4 else 10
    with tempfile.TemporaryDirectory() as directory:
        ready = os.path.join(directory, "ready")
        broker = subprocess.Popen(
            [sluice, "serve", "--data", os.path.join(directory, "data"), "--mqtt", "127.0.0.1:0", "--kafka",
             "127.0.0.1:0", "--ready-file", ready], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while not os.path.exists(ready):
                time.sleep(0.02)
            addresses = json.load(open(ready))
            subprocess.run(
                [sluice, "streams", "create", TOPIC.decode(), "--broker", addresses["mqtt"].split(",")[0]],
                check=True, stdout=subprocess.DEVNULL)
            port = int(addresses["kafka"].split(",")[0].rsplit(":", 1)[1])
            for wait in (500, 5000):
                bound = subprocess.Popen([floor, str(wait)], stdout=subprocess.PIPE)
                try:
                    least = measure("C", bound.pid, int(bound.stdout.readline()), count, seconds, wait)
                finally:
                    bound.kill()
                    bound.wait()
                ours = measure("Sluice", broker.pid, port, count, seconds, wait)
                print(f"ratio {ours / least:.2f}")
        finally:
            broker.terminate()
            broker.wait()


main()
