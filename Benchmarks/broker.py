#!/usr/bin/env python3
"""Broker workloads: Sluice beside mosquitto and the load generator's C lower bounds, interleaved in one run.

Each workload runs ROUNDS times, each time against every server in turn, each server freshly started on an empty directory. Printed are the
medians of the CPU (user + system of the server's process, all threads, divided by messages) and Sluice's ratio to what the workload is
measured against. Ratios of one run are the result; times alone say little on a shared machine.
"""
import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

TOPIC = "sensors/site1/dev%c/temp"
FSYNC_SINK = ["--append", "{dir}/sink.dat", "--fsync-thread", "--prealloc", "1024", "--crc"]
APPEND_SINK = ["--append", "{dir}/sink.dat"]

# name, generator arguments, sink arguments, what the ratio is to, the most it may be
WORKLOADS = [
    ("QoS 0, 16 B, pipelined", ["-q", "0", "-c", "50", "-s", "16", "-m", "3000000"], APPEND_SINK, "sink", 4.0),
    ("QoS 0, 256 B, pipelined", ["-q", "0", "-c", "50", "-s", "256", "-m", "2000000"], APPEND_SINK, "sink", 2.0),
    ("QoS 1, 16 B, window 20", ["-q", "1", "-c", "50", "-s", "16", "-w", "20", "-m", "500000"], FSYNC_SINK, "sink", 2.5),
    ("QoS 1, 256 B, window 20", ["-q", "1", "-c", "50", "-s", "256", "-w", "20", "-m", "500000"], FSYNC_SINK, "sink", 2.5),
    ("QoS 1, 256 B, 5000/s", ["-q", "1", "-c", "50", "-s", "256", "-w", "20", "-m", "30000", "-r", "5000"], FSYNC_SINK,
     "sink", 1.1),
    ("QoS 1, 256 B, 5000/s, commit delay 1 ms",
     ["-q", "1", "-c", "50", "-s", "256", "-w", "20", "-m", "30000", "-r", "5000"], None, "mosquitto", 1.0),
    ("QoS 1, 64 B, window 1", ["-q", "1", "-c", "50", "-s", "64", "-w", "1", "-m", "150000"], None, "mosquitto", 1.1),
    ("QoS 1, 256 B, 500 connections, window 10, 64 partitions",
     ["-q", "1", "-c", "500", "-s", "256", "-w", "10", "-m", "500000"], None, "one partition", 1.2),
]

CONFIGURATIONS = {
    "QoS 1, 256 B, 5000/s, commit delay 1 ms": "journal:\n  commit_delay: 1ms\n",
    "QoS 1, 256 B, 500 connections, window 10, 64 partitions": "streams:\n  - name: mqtt\n    partitions: 64\n",
}


def wait_for(path, process, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if os.path.exists(path):
            return
        if process.poll() is not None:
            break
        time.sleep(0.01)
    sys.exit("a server did not start")


def stop(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Servers:
    def __init__(self, options):
        self.options = options

    def run(self, kind, directory, arguments, sink=None, configuration=None, mode="pub"):
        shutil.rmtree(directory, ignore_errors=True)
        os.makedirs(directory)
        process, port = getattr(self, "start_" + kind.replace(" ", "_"))(directory, sink, configuration)
        try:
            command = [self.options.mqload, mode, *arguments, "-p", str(port), "--pid", str(process.pid), "--json"]
            if "-t" not in arguments:
                command += ["-t", TOPIC]
            result = subprocess.run(command, capture_output=True, text=True, timeout=600)
            return json.loads(result.stdout.strip().splitlines()[-1])
        finally:
            stop(process)
            shutil.rmtree(directory, ignore_errors=True)

    def start_sink(self, directory, sink, configuration):
        process = subprocess.Popen(
            [self.options.mqload, "sink", "-p", "28831", *[a.format(dir=directory) for a in sink]],
            stdout=subprocess.DEVNULL)
        wait_for(directory + "/sink.dat", process)
        time.sleep(1.5)  # it fills its file with zeros before it listens
        return process, 28831

    def start_mosquitto(self, directory, sink, configuration):
        path = directory + "/mosquitto.conf"
        with open(path, "w") as file:
            file.write("listener 28832 127.0.0.1\nallow_anonymous true\nmax_inflight_messages 0\nmax_queued_messages 0\n")
        process = subprocess.Popen([self.options.mosquitto, "-c", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        return process, 28832

    def start_sluice(self, directory, sink, configuration):
        ready = directory + "/ready"
        command = [self.options.sluice, "serve", "--data", directory + "/data", "--mqtt", "127.0.0.1:0", "--ready-file", ready]
        if self.options.loops:
            configuration = (configuration or "") + f"loops: {self.options.loops}\n"
        if configuration:
            with open(directory + "/sluice.yaml", "w") as file:
                file.write(configuration)
            command += ["--config", directory + "/sluice.yaml"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(ready, process)
        with open(ready) as file:
            return process, int(json.load(file)["mqtt"].rsplit(":", 1)[1])


def cpu(result):
    if not result.get("ok", False):
        print("  a run lost or repeated messages:", {k: result.get(k) for k in ("unacked", "badack", "disconnects")})
    return result["cpu_us_per_msg"]


def publish_workloads(options):
    servers = Servers(options)
    rows = {}
    for round_number in range(options.rounds):
        for name, arguments, sink, against, bound in WORKLOADS:
            if options.only and options.only not in name:
                continue
            row = rows.setdefault(name, {"sluice": [], "sink": [], "mosquitto": [], "one partition": [],
                                         "against": against, "bound": bound})
            if sink:
                row["sink"].append(cpu(servers.run("sink", options.directory + "/a", arguments, sink)))
            row["sluice"].append(
                cpu(servers.run("sluice", options.directory + "/b", arguments, None, CONFIGURATIONS.get(name))))
            if against == "one partition":
                row[against].append(cpu(servers.run("sluice", options.directory + "/b", arguments)))
            if os.path.exists(options.mosquitto):
                # mosquitto is too slow for the long ones; a tenth of the messages says the same.
                shorter = list(arguments)
                if "-r" not in arguments:
                    at = shorter.index("-m") + 1
                    shorter[at] = str(max(100000, int(shorter[at]) // 10))
                row["mosquitto"].append(cpu(servers.run("mosquitto", options.directory + "/c", shorter)))
            print(f"round {round_number + 1}: {name}: sluice {row['sluice'][-1]:.3f}", file=sys.stderr)
    print("| workload | sluice us/msg | C bound | mosquitto | ratio to | median ratio (min-max) | at most | |")
    print("|--|--:|--:|--:|--|--:|--:|--|")
    missed = 0
    for name, row in rows.items():
        ratios = [a / b for a, b in zip(row["sluice"], row[row["against"]])]
        ratio = statistics.median(ratios)
        verdict = "met" if ratio <= row["bound"] else "MISSED"
        missed += verdict == "MISSED"
        shown = [f"{statistics.median(row[k]):.3f}" if row[k] else "-" for k in ("sluice", "sink", "mosquitto")]
        print(f"| {name} | {' | '.join(shown)} | {row['against']} | {ratio:.2f} ({min(ratios):.2f}-{max(ratios):.2f}) "
              f"| {row['bound']} | {verdict} |")
    return missed


def latency(options):
    """End to end, QoS 1, 5000 messages a second: publisher to subscriber through the broker."""
    servers = Servers(options)
    arguments = ["-q", "1", "-c", "50", "-S", "50", "--sub-qos", "1", "-s", "256", "-m", "30000", "-r", "5000",
                 "-t", "bench/%c", "-F", "bench/%c"]
    arguments[arguments.index("-F")] = "--filter"
    rows = {"sluice": [], "mosquitto": []}
    for _ in range(options.rounds):
        for kind in rows:
            rows[kind].append(servers.run(kind, options.directory + "/d", arguments, mode="e2e"))
    keys = [k for k in rows["sluice"][0] if k.startswith("e2e_p") or k.startswith("lat_p") or k.startswith("delivery_p")]
    print("\n| end-to-end latency, QoS 1, fsync, 5000 msg/s | " + " | ".join(keys) + " |")
    print("|--|" + "--:|" * len(keys))
    for kind, results in rows.items():
        print(f"| {kind} | " + " | ".join(f"{statistics.median([r[k] for r in results]):.0f} us" for k in keys) + " |")


def soak(options):
    """RSS over 20 million QoS 1 messages, and the heap of idle connections."""
    servers = Servers(options)
    directory = options.directory + "/s"
    os.makedirs(directory, exist_ok=True)
    process, port = servers.start_sluice(directory, None, "streams:\n  - name: mqtt\n    retention: { size: 1GiB }\n")
    try:
        sizes = []
        for part in range(20):
            subprocess.run(
                [options.mqload, "pub", "-q", "1", "-c", "50", "-s", "64", "-w", "100", "-m", "1000000", "-t", TOPIC,
                 "-p", str(port)], capture_output=True, timeout=900)
            with open(f"/proc/{process.pid}/status") as file:
                sizes.append(next(int(l.split()[1]) for l in file if l.startswith("VmRSS")))
            print(f"{part + 1} million messages: {sizes[-1]} KiB", flush=True)
        settled = sizes[2:]
        print(f"RSS between 3 and 20 million messages: {min(settled)} to {max(settled)} KiB, "
              f"{(max(settled) / min(settled) - 1) * 100:.1f} %")
    finally:
        stop(process)
        shutil.rmtree(directory, ignore_errors=True)


def stored_bytes(directory):
    total = 0
    for folder, _, names in os.walk(directory + "/data/streams"):
        total += sum(os.path.getsize(os.path.join(folder, n)) for n in names if n.endswith(".log"))
    return total


def recovery(options):
    """Seconds from the start of the process to its ready file, after kill -9 under load with more than 1 GiB of log."""
    servers = Servers(options)
    directory = options.directory + "/r"
    times = []
    for _ in range(options.rounds):
        shutil.rmtree(directory, ignore_errors=True)
        os.makedirs(directory)
        process, port = servers.start_sluice(directory, None, None)
        load = subprocess.Popen(
            [options.mqload, "pub", "-q", "1", "-c", "50", "-s", "1000", "-w", "100", "-m", "100000000", "-t", TOPIC, "-p",
             str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            end = time.monotonic() + 300
            while stored_bytes(directory) < 1 << 30 and time.monotonic() < end:
                time.sleep(0.05)
            process.kill()
            process.wait()
        finally:
            load.kill()
            load.wait()
        size = stored_bytes(directory)
        os.remove(directory + "/ready")
        start = time.monotonic()
        process, port = servers.start_sluice(directory, None, None)
        times.append(time.monotonic() - start)
        print(f"{size / (1 << 30):.2f} GiB in segments: ready after {times[-1]:.2f} s", flush=True)
        stop(process)
        verified = subprocess.run([options.sluice, "log", "verify", directory + "/data"], capture_output=True, text=True)
        if verified.returncode != 0:
            sys.exit("the log is not whole: " + verified.stdout + verified.stderr)
    print(f"recovery: median {statistics.median(times):.2f} s, at most {max(times):.2f} s; at most 2 s wanted")
    shutil.rmtree(directory, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mqload", required=True)
    parser.add_argument("--sluice", required=True)
    parser.add_argument("--mosquitto", default="/usr/sbin/mosquitto")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", help="workloads whose name contains this")
    parser.add_argument("--loops", type=int, help="event loops of Sluice; one for each core unless given")
    parser.add_argument("--soak", action="store_true")
    parser.add_argument("--recovery", action="store_true")
    options = parser.parse_args()
    # On a real file system: a directory in memory has no fsync to measure.
    options.directory = tempfile.mkdtemp(prefix="bench-", dir=os.environ.get("BENCH_DIRECTORY", "."))
    try:
        if options.soak:
            return soak(options)
        if options.recovery:
            return recovery(options)
        missed = publish_workloads(options)
        if not options.only:
            latency(options)
        sys.exit(1 if missed else 0)
    finally:
        shutil.rmtree(options.directory, ignore_errors=True)


main()
