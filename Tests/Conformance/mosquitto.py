#!/usr/bin/env python3
"""Runs mosquitto's own broker tests, the scripts of its source's test/broker, against Sluice.

None of them is in this repository. On Debian, with a deb-src line for apt:

    apt-get source --download-only mosquitto && tar xf mosquitto_2.0.*.orig.tar.gz
    make conformance MOSQUITTO_SOURCE=mosquitto-2.0.11

The scripts start ../../src/mosquitto. In a copy of them, in a temporary directory, that is an adapter which translates its
arguments and becomes `sluice serve`; `mosquitto_packets.py` says how packets are compared. Scripts that
`mosquitto-exceptions` lists are not applicable, for the reason there. The exit code is 0 when all others pass.
"""

import argparse
import concurrent.futures
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))

# What the copy has at src/mosquitto. A broker keeps its data while its script runs when its configuration says
# `persistence true`, as mosquitto does, and begins with none else.
ADAPTER = r"""#!/bin/sh
set -eu
port=1883 conf=
while [ $# -gt 0 ]; do
    case $1 in
    -p) port=$2; shift ;;
    -c) conf=$2; shift ;;
    esac
    shift
done
place=$CONFORMANCE_DATA/${conf:-port-$port}
mkdir -p "$place"
printf 'listeners:\n  mqtt: "127.0.0.1:%s"\n' "$port" >"$place/sluice.yaml"
if [ -n "$conf" ]; then
    # Whoever it lets in is on loopback. Status 1 tells of what is left out, too: a second listener in some scripts.
    "$CONFORMANCE_BROKER" import-mosquitto --force "$conf" >"$place/sluice.yaml" || [ -s "$place/sluice.yaml" ]
fi
# mosquitto's database, which scripts remove to begin anew.
file=$(sed -n 's/^persistence_file //p' ${conf:+"$conf"} </dev/null)
if [ -z "$conf" ] || ! grep -q '^persistence true' "$conf" || [ -n "$file" ] && [ ! -e "$file" ]; then
    rm -rf "$place/data"
fi
[ -z "$file" ] || touch "$file"
printf 'journal:\n  file_size: 1MiB\n' >>"$place/sluice.yaml"
# mosquitto's defaults.
grep -q '^limits:' "$place/sluice.yaml" || echo 'limits:' >>"$place/sluice.yaml"
for limit in 'inflight: 20' 'topic_aliases: 10' 'topic_levels: 201'; do
    grep -q "^  ${limit%: *}:" "$place/sluice.yaml" || sed -i "s/^limits:/&\n  $limit/" "$place/sluice.yaml"
done
exec "$CONFORMANCE_BROKER" serve --config "$place/sluice.yaml" --data "$place/data" --loops 2
"""


def read_exceptions(path):
    """The scripts that are not applicable, with the reason of each."""
    exceptions, reason = {}, None
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            line = line.rstrip()
            if not line or line.startswith("#"):
                continue
            if line.startswith(" "):
                exceptions[line.strip()] = reason
            else:
                reason = line
    return exceptions


def port_counts(folder):
    """How many ports each script wants, as mosquitto's own list says; some that are there are not in it.

    What is called a helper is started by another script.
    """
    with open(os.path.join(folder, "test.py"), encoding="utf-8") as file:
        pairs = re.findall(r"\((\d+), '\./([^']+)'\)", file.read())
    counts = {name: int(count) for count, name in pairs}
    for name in os.listdir(folder):
        if re.fullmatch(r"\d\d-.*\.py", name) and "helper" not in name:
            counts.setdefault(name, 2)
    return {name: count for name, count in counts.items() if os.path.exists(os.path.join(folder, name))}


class Ports:
    """Ports that were free a moment ago, and are not given to two scripts."""

    def __init__(self):
        self.given = set()

    def take(self, count):
        sockets, ports = [], []
        while len(ports) < count:
            listener = socket.socket()
            listener.bind(("127.0.0.1", 0))
            sockets.append(listener)
            port = listener.getsockname()[1]
            if port not in self.given:
                self.given.add(port)
                ports.append(port)
        for listener in sockets:
            listener.close()
        return ports


def run(folder, name, ports, data, broker, seconds):
    """Runs one script.

    Returns whether it passed, the seconds that it took, and what it printed.
    """
    environment = dict(
        os.environ, CONFORMANCE_DATA=os.path.join(data, name), CONFORMANCE_BROKER=broker, PYTHONPATH=HERE,
        PYTHONWARNINGS="ignore", PYTHONDONTWRITEBYTECODE="1")
    start = time.monotonic()
    # A session of its own: a script that is ended leaves brokers behind.
    script = subprocess.Popen(
        [sys.executable, name] + [str(port) for port in ports], cwd=folder, env=environment, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    try:
        output, _ = script.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(script.pid, signal.SIGKILL)
        output, _ = script.communicate()
        output += f"\nended after {seconds} s\n"
        script.returncode = script.returncode or 1
    try:
        os.killpg(script.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    return script.returncode == 0, time.monotonic() - start, output


def main():
    parser = argparse.ArgumentParser(description="Runs mosquitto's broker tests against Sluice.")
    parser.add_argument("--source", required=True, help="the unpacked source of mosquitto 2.0")
    parser.add_argument("--broker", required=True, help="the executable sluice")
    parser.add_argument("--jobs", type=int, default=4, help="scripts at a time")
    parser.add_argument("--seconds", type=int, default=120, help="the longest that a script may take")
    parser.add_argument("--all", action="store_true", help="also run what is not applicable, which may fail")
    parser.add_argument("--verbose", action="store_true", help="print what failing scripts print")
    parser.add_argument("scripts", nargs="*", help="beginnings of names; all unless given")
    arguments = parser.parse_args()
    if not arguments.source:
        print(f"skipped: mosquitto's broker tests, MOSQUITTO_SOURCE does not say where they are\n\n{__doc__}")
        return 0
    if not os.path.isfile(os.path.join(arguments.source, "test", "broker", "mosq_test_helper.py")):
        print(f"'{arguments.source}' is not mosquitto's source: test/broker is not there\n\n{__doc__}", file=sys.stderr)
        return 2
    exceptions = read_exceptions(os.path.join(HERE, "mosquitto-exceptions"))
    broker = os.path.abspath(arguments.broker)
    with tempfile.TemporaryDirectory(prefix="sluice-conformance-") as place:
        return run_all(arguments, exceptions, broker, place)


def prepare(source, place):
    """Copies what the scripts need, and puts the adapter where they look for mosquitto.

    Returns the folder of the scripts.
    """
    shutil.copytree(os.path.join(source, "test"), os.path.join(place, "test"), symlinks=True)
    os.mkdir(os.path.join(place, "src"))
    adapter = os.path.join(place, "src", "mosquitto")
    with open(adapter, "w", encoding="utf-8") as file:
        file.write(ADAPTER)
    os.chmod(adapter, 0o755)
    # Scripts import mosq_test, which others of our functions are put into.
    module = os.path.join(place, "test", "mosq_test")
    os.rename(module + ".py", module + "_original.py")
    with open(module + ".py", "w", encoding="utf-8") as file:
        file.write("import mosq_test_original, mosquitto_packets\nmosquitto_packets.install(mosq_test_original)\n")
    # The certificates that come with the source are out of date since February 2025; its own script makes new ones.
    subprocess.run(
        ["sh", "gen.sh"], cwd=os.path.join(place, "test", "ssl"), check=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return os.path.join(place, "test", "broker")


def run_all(arguments, exceptions, broker, place):
    folder = prepare(arguments.source, place)
    counts = port_counts(folder)
    names = sorted(name for name in counts if not arguments.scripts or name.startswith(tuple(arguments.scripts)))
    unknown = sorted(set(exceptions) - set(counts))
    results = {name: ("n/a", 0.0, "") for name in names if name in exceptions and not arguments.all}
    ports = Ports()
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        futures = {
            pool.submit(run, folder, name, ports.take(counts[name]), place, broker, arguments.seconds): name
            for name in names if name not in results}
        for future in concurrent.futures.as_completed(futures):
            passed, seconds, output = future.result()
            results[futures[future]] = ("passed" if passed else "FAILED", seconds, output)
    unexpected = list(unknown)
    for name in names:
        outcome, seconds, output = results[name]
        reason = exceptions.get(name)
        print(f"{outcome:6}  {seconds:5.1f} s  {name}" + (f"  ({reason})" if reason else ""))
        if outcome == "FAILED" and not reason:
            unexpected.append(name)
        if outcome == "FAILED" and (arguments.verbose or not reason):
            print("".join(f"          {line}\n" for line in output.splitlines()[-60:]), end="")
    tally = [sum(1 for result in results.values() if result[0] == kind) for kind in ("passed", "FAILED", "n/a")]
    print(f"mosquitto's broker tests: {tally[0]} passed, {tally[1]} failed, {tally[2]} not applicable")
    for name in unexpected:
        print(f"unexpected: {name}")
    return 1 if unexpected else 0


if __name__ == "__main__":
    sys.exit(main())
