#!/usr/bin/env python3
"""What a scrape of `/metrics` takes, and whether it stops a loop.

    scrape.py SLUICE [streams] [devices] [rounds]

A node with many streams and devices. Four MQTT connections, one after the other, ping without end, for five seconds
while nobody scrapes and for five while somebody does five times a second: a loop that is stopped answers late.
"""
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] * 1000


def connect(port, name):
    client = socket.create_connection(("127.0.0.1", port))
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    body = b"\x00\x04MQTT\x04\x02\x00\x3c" + len(name).to_bytes(2, "big") + name
    client.sendall(bytes([0x10, len(body)]) + body)
    client.recv(4)
    return client


def measure(clients, http, seconds, is_scraped):
    answers, scrapes, size = [], [], 0
    end = time.perf_counter() + seconds

    def scrape():
        nonlocal size
        while time.perf_counter() < end:
            begin = time.perf_counter()
            size = len(urllib.request.urlopen(f"http://{http}/metrics").read())
            scrapes.append(time.perf_counter() - begin)
            time.sleep(0.2)

    thread = threading.Thread(target=scrape)
    if is_scraped:
        thread.start()
    while time.perf_counter() < end:
        for client in clients:
            begin = time.perf_counter()
            client.sendall(b"\xc0\x00")
            client.recv(2)
            answers.append(time.perf_counter() - begin)
        time.sleep(0.0005)
    if is_scraped:
        thread.join()
    pings = "  ".join(f"p{share * 100:g} {percentile(answers, share):.2f}" for share in (0.5, 0.99, 0.999, 1))
    line = f"{'scraped' if is_scraped else 'quiet':8} ping {pings} ms"
    if scrapes:
        line += f"   scrape p50 {percentile(scrapes, 0.5):.1f}  p100 {percentile(scrapes, 1):.1f} ms, {size} bytes"
    print(line)


def main():
    program = sys.argv[1]
    streams, devices, rounds = (int(value) for value in (sys.argv[2:] + ["1000", "100000", "3"][len(sys.argv) - 2 :]))
    directory = tempfile.mkdtemp(prefix="sluice-scrape-")
    os.mkdir(directory + "/devices")
    with open(directory + "/devices/dev.yaml", "w") as file:
        file.write('name: dev\nstream: devs\nkey: "{device}"\ntopic: dev/{device}\nformat: raw\ninterval: 1h\n')
    with open(directory + "/c.yaml", "w") as file:
        file.write(f"data: {directory}/data\ndevices: {directory}/devices\n")
        file.write("listeners:\n  mqtt: 127.0.0.1:0\n  http: 127.0.0.1:0\nstreams:\n  - { name: devs, partitions: 4 }\n")
        for number in range(streams - 1):
            file.write(f"  - name: s{number}\n")
    ready = directory + "/ready"
    broker = subprocess.Popen(
        [program, "serve", "--config", directory + "/c.yaml", "--ready-file", ready], stdout=subprocess.DEVNULL)
    try:
        while not os.path.exists(ready):
            if broker.poll() is not None:
                raise SystemExit("the broker did not start")
            time.sleep(0.05)
        places = json.load(open(ready))
        mqtt = places["mqtt"]
        subprocess.run(
            [program, "bench", "pub", "-c", "1", "-q", "1", "-n", str(devices), "-w", "500", "--topic", "dev/%m", "-b", mqtt],
            check=True, stdout=subprocess.DEVNULL)
        clients = [connect(int(mqtt.rsplit(":", 1)[1]), b"ping%d" % number) for number in range(4)]
        for _ in range(rounds):
            measure(clients, places["http"], 5, False)
            measure(clients, places["http"], 5, True)
    finally:
        broker.terminate()
        broker.wait()
        shutil.rmtree(directory)


main()
