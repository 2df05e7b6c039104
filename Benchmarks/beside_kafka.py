#!/usr/bin/env python3
"""Sluice beside Apache Kafka: one machine, one run, the same clients (Kafka's own perf tools).

    beside_kafka.py SLUICE KAFKA_HOME [records] [bytes of a record]

Prints for each broker, in turn: seconds until it accepts, and for producing and consuming the rate, the broker's CPU
milliseconds for each MB, and its resident memory. Sluice runs with `durability: fsync`, Kafka as it is shipped.
"""
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time


def cpu_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_megabytes(pid):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, seconds=60):
    end = time.time() + seconds
    while time.time() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise SystemExit(f"nothing accepts on port {port} after {seconds} s")


class Broker:
    def __init__(self, kind, sluice, kafka, directory):
        self.kind, self.port = kind, free_port()
        begin = time.time()
        if kind == "sluice":
            command = [sluice, "serve", "--data", directory, "--mqtt", "127.0.0.1:0", "--kafka", f"127.0.0.1:{self.port}"]
        else:
            command = [f"{kafka}/bin/kafka-node", directory, str(self.port)]
        # As Kafka's own start script has it.
        environment = dict(os.environ, KAFKA_HEAP_OPTS="-Xmx1G -Xms1G")
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
        wait_for(self.port)
        self.start_seconds = time.time() - begin

    def stop(self):
        self.process.terminate()
        self.process.wait()


def tool(kafka, broker, *arguments):
    result = subprocess.run(
        [f"{kafka}/bin/kafka", *arguments, "--bootstrap-server", f"127.0.0.1:{broker.port}"], capture_output=True,
        text=True)
    return (result.stdout + result.stderr).strip().splitlines()[-1:] or [""]


def measure(kafka, broker, megabytes, name, *arguments):
    before = cpu_seconds(broker.process.pid)
    line = tool(kafka, broker, *arguments)[0]
    used = cpu_seconds(broker.process.pid) - before
    print(
        f"{broker.kind:7} {name:8} {1000 * used / megabytes:7.2f} ms CPU/MB  "
        f"{resident_megabytes(broker.process.pid):5.0f} MB resident  {line[:110]}", flush=True)


def main():
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    sluice, kafka = sys.argv[1], sys.argv[2]
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 2_000_000
    size = int(sys.argv[4]) if len(sys.argv) > 4 else 256
    megabytes = count * size / 1e6
    for kind in ["sluice", "kafka"]:
        directory = tempfile.mkdtemp(prefix=f"beside-{kind}-")
        broker = Broker(kind, sluice, kafka, directory)
        try:
            print(f"{kind:7} accepts after {broker.start_seconds:.2f} s", flush=True)
            tool(kafka, broker, "topics", "--create", "--topic", "t", "--partitions", "4")
            produce = ["producer-perf", "--topic", "t", "--record-size", str(size), "--throughput", "-1"]
            # The first run is the compiler's of the Java virtual machine.
            tool(kafka, broker, *produce, "--num-records", str(count // 5))
            measure(kafka, broker, megabytes, "produce", *produce, "--num-records", str(count))
            for round in range(2):
                measure(
                    kafka, broker, megabytes, "consume", "consumer-perf", "--topic", "t", "--num-records", str(count),
                    "--group", f"g{round}")
        finally:
            broker.stop()
            shutil.rmtree(directory, ignore_errors=True)


main()
