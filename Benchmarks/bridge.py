#!/usr/bin/env python3
"""Bridges and replays: Sluice beside mosquitto and the load generator, interleaved in one run.

  catchup  messages a second that a bridge brings its upstream up to date with, beside the load generator publishing straight to that
           upstream with the same window, QoS and size
  backlog  memory that a bridge with a large backlog adds
  dead     CPU of a publish with a bridge to a port that nobody listens on, beside one without a bridge
  drops    what a mosquitto with its own limits drops of its subscriber's messages, QoS 1, after an outage: without `rate`, and with `unlimited`
  replay   CPU of the ingest while ten consumers replay a stream, and the memory that they add
"""
import argparse
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

TICKS = os.sysconf("SC_CLK_TCK")


def wait_until(condition, what, seconds=60, pause=0.05):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(pause)
    sys.exit(f"waited {seconds} s for {what}")


def stop(process, seconds=60):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def cpu_seconds(pid):
    """User and system time of a process, all threads."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def thread_seconds(pid, prefix):
    """The same of its threads of one name."""
    total = 0.0
    for thread in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{thread}/stat") as file:
                name, rest = file.read().rsplit(")", 1)
        except FileNotFoundError:
            continue
        if name.split("(", 1)[1].startswith(prefix):
            total += sum(int(f) for f in rest.split()[11:13]) / TICKS
    return total


def memory(pid, field="VmRSS"):
    """A line of /proc/PID/status in KiB; RssAnon is what is the process's own."""
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(field + ":"))


def text(value):
    data = value.encode()
    return len(data).to_bytes(2, "big") + data


def packet(first, body):
    length, rest = bytearray(), len(body)
    while True:
        length.append(rest % 128 | (128 if rest >= 128 else 0))
        rest //= 128
        if not rest:
            return bytes([first]) + bytes(length) + body


class Marker:
    """A subscriber of one topic that says when a message of it has come."""

    def __init__(self, port, topic):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.sendall(packet(0x10, text("MQTT") + bytes([4, 2, 0, 0]) + text("marker")))
        self.take(4)
        self.socket.sendall(packet(0x82, b"\0\1" + text(topic) + b"\1"))
        self.take(5)

    def take(self, count):
        data = b""
        while len(data) < count:
            chunk = self.socket.recv(count - len(data))
            if not chunk:
                sys.exit("the connection of the marker was closed")
            data += chunk
        return data

    def wait(self, seconds=900):
        self.socket.settimeout(seconds)
        self.take(1)
        return time.monotonic()


class Bench:
    def __init__(self, options):
        self.options = options
        self.sluice = os.path.abspath(options.sluice)
        self.mqload = os.path.abspath(options.mqload)

    def directory(self, name):
        path = os.path.join(self.options.directory, name)
        shutil.rmtree(path, ignore_errors=True)
        os.makedirs(path)
        return path

    def start_mosquitto(self, limits="max_inflight_messages 0\nmax_queued_messages 0\n"):
        path = self.directory("mosquitto")
        with open(path + "/mosquitto.conf", "w") as file:
            file.write("listener 28841 127.0.0.1\nallow_anonymous true\n" + limits)
        process = subprocess.Popen(
            [self.options.mosquitto, "-c", path + "/mosquitto.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def accepts():
            try:
                socket.create_connection(("127.0.0.1", 28841)).close()
                return True
            except OSError:
                return False

        wait_until(accepts, "mosquitto")
        return process, 28841

    def start_sluice(self, path, bridge=None, streams="", rate="    rate: unlimited"):
        """A node on `path`/data; `bridge` is the port of its upstream."""
        lines = ["listeners:", "  mqtt: 127.0.0.1:0", streams]
        if bridge:
            lines += ["bridges:", "  - name: up", f"    address: 127.0.0.1:{bridge}", "    topics:",
                      f"      - topic: 'sensors/# out {self.options.qos}'", f"    inflight: {self.options.window}",
                      f"    protocol: \"{self.options.protocol}\"", "    notifications: false", "    from: earliest", rate]
        with open(path + "/sluice.yaml", "w") as file:
            file.write("\n".join(lines) + "\n")
        ready = path + "/ready"
        if os.path.exists(ready):
            os.unlink(ready)
        process = subprocess.Popen(
            [self.sluice, "serve", "--config", path + "/sluice.yaml", "--data", path + "/data", "--ready-file", ready],
            stdout=subprocess.DEVNULL, stderr=open(path + "/log", "a"))
        wait_until(lambda: os.path.exists(ready) or process.poll() is not None, "a broker's start")
        with open(ready) as file:
            return process, int(json.load(file)["mqtt"].rsplit(":", 1)[1])

    def bridges(self, port, *words):
        result = subprocess.run(
            [self.sluice, "bridges", *words, "--json", "--broker", f"127.0.0.1:{port}"], capture_output=True, text=True)
        if result.returncode:
            sys.exit(f"bridges {words}: {result.stderr}")
        return json.loads(result.stdout)

    def load(self, port, *arguments, mode="pub"):
        result = subprocess.run(
            [self.mqload, mode, "-p", str(port), "--json", *[str(a) for a in arguments]], capture_output=True, text=True,
            timeout=3600)
        found = json.loads(result.stdout.strip().splitlines()[-1])
        if not found.get("ok", False):
            print(f"  the load generator counts what is wrong: {found}", file=sys.stderr)
        return found

    def fill(self, port, count, size):
        self.load(port, "-q", 1, "-c", 50, "-w", 100, "-s", size, "-m", count, "-t", "sensors/site1/dev%c/temp")

    def publish_one(self, port, topic):
        self.load(port, "-q", 1, "-c", 1, "-w", 1, "-s", 16, "-m", 1, "-t", topic)

    # Workloads

    def catchup_once(self):
        options = self.options
        upstream, upstream_port = self.start_mosquitto()
        path = self.directory("node")
        broker, port = self.start_sluice(path, bridge=upstream_port)
        try:
            self.bridges(port, "pause", "up")
            self.fill(port, options.messages, options.size)
            self.publish_one(port, "sensors/end")
            marker = Marker(upstream_port, "sensors/end")
            before = [cpu_seconds(upstream.pid), cpu_seconds(broker.pid), thread_seconds(broker.pid, "bridge")]
            start = time.monotonic()
            self.bridges(port, "resume", "up")
            seconds = marker.wait() - start
            after = [cpu_seconds(upstream.pid), cpu_seconds(broker.pid), thread_seconds(broker.pid, "bridge")]
            shares = [f"{(b - a) / seconds * 100:.0f} %" for a, b in zip(before, after)]
            return options.messages / seconds, shares
        finally:
            stop(broker)
            stop(upstream)

    def direct_once(self):
        options = self.options
        upstream, port = self.start_mosquitto()
        try:
            before = cpu_seconds(upstream.pid)
            result = self.load(
                port, "-q", options.qos, "-c", 1, "-w", options.window, "-s", options.size, "-m", options.messages, "-V",
                5 if options.protocol == "5" else 4, "-t", "sensors/site1/dev%c/temp")
            seconds = options.messages / result["msgs_per_s"]
            return result["msgs_per_s"], f"{(cpu_seconds(upstream.pid) - before) / seconds * 100:.0f} %"
        finally:
            stop(upstream)

    def catchup(self):
        options = self.options
        ratios = []
        print(f"{options.messages} messages of {options.size} B, QoS {options.qos}, window {options.window}, MQTT {options.protocol}")
        print("| round | bridge msg/s | CPU of mosquitto, node, bridge's thread | mqload msg/s | CPU of mosquitto | ratio |")
        print("|--|--:|--|--:|--|--:|")
        for number in range(options.rounds):
            direct, direct_share = self.direct_once()
            rate, shares = self.catchup_once()
            ratios.append(rate / direct)
            print(f"| {number + 1} | {rate:.0f} | {', '.join(shares)} | {direct:.0f} | {direct_share} | {ratios[-1]:.2f} |", flush=True)
        print(f"median ratio {statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f}), wanted 0.9")

    def backlog(self):
        """Fills a node, and compares what it takes without a bridge, with one that waits, and with one that catches up."""
        options = self.options
        upstream, upstream_port = self.start_mosquitto()
        path = self.directory("node")
        broker, port = self.start_sluice(path, bridge=upstream_port)
        self.bridges(port, "pause", "up")
        self.fill(port, options.messages, options.size)
        self.publish_one(port, "sensors/end")
        stop(broker)
        print(f"{options.messages} messages of {options.size} B behind, {options.messages * options.size / 2**30:.2f} GiB; RssAnon in KiB")
        print("| round | without a bridge | paused | peak while catching up | the bridge's | s |")
        print("|--|--:|--:|--:|--:|--:|")
        try:
            for number in range(options.rounds):
                broker, port = self.start_sluice(path)
                self.load(port, "-q", 1, "-c", 1, "-w", 1, "-m", 1, "-s", 16, "-t", "other/a")
                plain = memory(broker.pid, "RssAnon")
                stop(broker)
                broker, port = self.start_sluice(path, bridge=upstream_port)
                if number:
                    self.bridges(port, "seek", "up", "earliest")
                self.load(port, "-q", 1, "-c", 1, "-w", 1, "-m", 1, "-s", 16, "-t", "other/a")
                paused = memory(broker.pid, "RssAnon")
                marker = Marker(upstream_port, "sensors/end")
                done = threading.Event()
                waiter = threading.Thread(target=lambda: (marker.wait(), done.set()))
                waiter.start()
                start, peak = time.monotonic(), 0
                self.bridges(port, "resume", "up")
                while not done.wait(0.05):
                    peak = max(peak, memory(broker.pid, "RssAnon"))
                seconds = time.monotonic() - start
                self.bridges(port, "pause", "up")
                stop(broker)
                print(f"| {number + 1} | {plain} | {paused} | {peak} | {(peak - plain) / 1024:.1f} MiB | {seconds:.0f} |", flush=True)
        finally:
            if broker.poll() is None:
                stop(broker)
            stop(upstream)

    def drops(self):
        options = self.options
        print(f"{options.messages} messages of {options.size} B behind, QoS 1, window {options.window}; one subscriber")
        print("| rate | round | received | dropped | s |")
        print("|--|--:|--:|--:|--:|")
        for rate in ("", "    rate: unlimited"):
            for number in range(options.rounds):
                self.drop_once(rate, number + 1)

    def drop_once(self, rate, number):
        options = self.options
        upstream, upstream_port = self.start_mosquitto(limits="")
        broker, port = self.start_sluice(self.directory("node"), bridge=upstream_port, rate=rate)
        lines = "".join(f"{n:0{options.size}}\n" for n in range(options.messages))
        try:
            self.bridges(port, "pause", "up")
            subprocess.run(
                ["mosquitto_pub", "-p", str(port), "-q", "1", "-t", "sensors/a", "-l"], input=lines, text=True, check=True)
            subscriber = subprocess.Popen(
                ["mosquitto_sub", "-p", str(upstream_port), "-q", "1", "-t", "sensors/#"], stdout=subprocess.PIPE, text=True)
            seen = set()
            reader = threading.Thread(target=lambda: seen.update(line for line in subscriber.stdout))
            reader.start()
            # A message of its own says that it is subscribed.
            wait_until(lambda: seen or subprocess.run(
                ["mosquitto_pub", "-p", str(upstream_port), "-t", "sensors/there", "-m", "there"]).returncode, "a subscriber")
            start = time.monotonic()
            self.bridges(port, "resume", "up")
            wait_until(lambda: self.bridges(port, "describe", "up")["lag_records"] == 0, "the catch-up", 600)
            seconds = time.monotonic() - start
            last = [0, time.monotonic()]

            def is_quiet():
                if len(seen) != last[0]:
                    last[:] = [len(seen), time.monotonic()]
                return time.monotonic() - last[1] > 3

            wait_until(is_quiet, "the last message", 600)
            received = len(seen - {"there\n"})
            name = rate.split()[-1] if rate else "not given"
            print(f"| {name} | {number} | {received} | {options.messages - received} | {seconds:.1f} |", flush=True)
            stop(subscriber)
            reader.join()
        finally:
            stop(broker)
            stop(upstream)

    def dead(self):
        options = self.options
        ratios = []
        print(f"QoS {options.qos}, {options.messages} messages of {options.size} B, 50 connections, CPU us a publish")
        print("| round | without a bridge | with one to a dead port | ratio |")
        print("|--|--:|--:|--:|")
        for number in range(options.rounds):
            found = []
            # Which of them is first changes, so that neither has the warmer machine.
            for bridge in ((None, 28849) if number % 2 == 0 else (28849, None)):
                path = self.directory("node")
                broker, port = self.start_sluice(path, bridge=bridge)
                result = self.load(
                    port, "-q", options.qos, "-c", 50, "-w", 20, "-s", options.size, "-m", options.messages, "--pid",
                    broker.pid, "-t", "sensors/site1/dev%c/temp")
                found.append((bridge is not None, result["cpu_us_per_msg"]))
                stop(broker)
            plain, dead = (cost for _, cost in sorted(found))
            ratios.append(dead / plain)
            print(f"| {number + 1} | {plain:.3f} | {dead:.3f} | {ratios[-1]:.3f} |", flush=True)
        print(f"median ratio {statistics.median(ratios):.3f} ({min(ratios):.3f}-{max(ratios):.3f}), wanted 1.05")

    def replay(self):
        """Three runs a round: the ingest alone, the replays alone, both. What the ingest costs beside the replays is what both take,
        without what the same replays take alone."""
        options = self.options
        path = self.directory("node")
        broker, port = self.start_sluice(path)
        count, consumers, rate, live = options.messages, 10, 50_000, 1_000_000
        self.fill(port, count, options.size)
        replay_arguments = ["-c", consumers, "-m", consumers * count, "--filter", "$replay/earliest/sensors/#", "-q", 0,
                            "--idle", 5000]
        print(f"{count} messages of {options.size} B in the stream, {consumers} consumers; ingest of {live} messages at {rate}/s, QoS 1, 64 B")
        print("| round | ingest alone, us a message | replays alone, s of CPU | both, s | ingest beside replays, us | ratio | ingest/s beside | p99 ms "
              "alone, beside | RSS MiB ingest, replays, both |")
        print("|--|--:|--:|--:|--:|--:|--:|--:|--:|")
        ratios, grown = [], []
        peak = [0]
        over = threading.Event()

        def watch():
            while not over.wait(0.02):
                peak[0] = max(peak[0], memory(broker.pid))

        watcher = threading.Thread(target=watch)
        watcher.start()

        def ingest():
            return self.load(port, "-q", 1, "-c", 50, "-w", 20, "-s", 64, "-m", live, "-r", rate, "-t", "live/site1/dev%c/temp")

        def measured(*work):
            peak[0] = 0
            before = cpu_seconds(broker.pid)
            results = [None] * len(work)
            threads = [threading.Thread(target=lambda i=i, f=f: results.__setitem__(i, f())) for i, f in enumerate(work)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            return cpu_seconds(broker.pid) - before, peak[0] / 1024, results

        def replays():
            return self.load(port, *replay_arguments, mode="replay")

        try:
            # The log's memory is full of small batches before anything is compared.
            for _ in range(2):
                measured(ingest)
            for number in range(options.rounds):
                alone, rss_alone, (first,) = measured(ingest)
                reading, rss_reading, (read,) = measured(replays)
                both, rss_both, (beside, read_beside) = measured(ingest, replays)
                if read["messages"] < consumers * count or read_beside["messages"] < consumers * count:
                    print(f"  a replay was short: {read['messages']}, {read_beside['messages']}")
                cost_alone, cost_beside = alone / live * 1e6, (both - reading) / live * 1e6
                ratios.append(cost_beside / cost_alone)
                grown.append(rss_both - rss_alone)
                print(f"| {number + 1} | {cost_alone:.3f} | {reading:.2f} | {both:.2f} | {cost_beside:.3f} | {ratios[-1]:.2f} "
                      f"| {beside['msgs_per_s']:.0f} | {first['puback_p99_us'] / 1000:.2f}, {beside['puback_p99_us'] / 1000:.2f} "
                      f"| {rss_alone:.0f}, {rss_reading:.0f}, {rss_both:.0f} |", flush=True)
            print(f"median ratio {statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f}), wanted 1.10; "
                  f"RSS at most {max(grown):.0f} MiB more, wanted 64")
        finally:
            over.set()
            watcher.join()
            stop(broker)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workload", choices=["catchup", "backlog", "drops", "dead", "replay"])
    parser.add_argument("--mqload", default="", help="not needed for drops")
    parser.add_argument("--sluice", required=True)
    parser.add_argument("--mosquitto", default="/usr/sbin/mosquitto")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--messages", type=int, default=300_000)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--window", type=int, default=100)
    parser.add_argument("--qos", type=int, default=1)
    parser.add_argument("--protocol", default="3.1.1", choices=["3.1.1", "5"])
    options = parser.parse_args()
    # On a real file system: a directory in memory has no fsync to measure.
    options.directory = tempfile.mkdtemp(prefix="bench-", dir=os.environ.get("BENCH_DIRECTORY", "."))
    try:
        getattr(Bench(options), options.workload)()
    finally:
        shutil.rmtree(options.directory, ignore_errors=True)


main()
