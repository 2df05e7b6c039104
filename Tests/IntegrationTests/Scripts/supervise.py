"""Runs a broker as a service manager does, and prints what it is told, a line each.

usage: supervise.py DIRECTORY COMMAND...
The broker gets a socket and a watchdog of three seconds. Behind two signs of life it is told to reload, and then to end.
"""
import os
import signal
import socket
import subprocess
import sys

directory = sys.argv[1]
name = "@" + directory
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind("\0" + name[1:])
listener.settimeout(60)
environment = dict(os.environ, NOTIFY_SOCKET=name, WATCHDOG_USEC="3000000")
broker = subprocess.Popen(sys.argv[2:], env=environment)


def told(wanted, count=1):
    while count > 0:
        text = listener.recv(4096).decode()
        word = text.split("\n")[0]
        print(word, flush=True)
        count -= word == wanted


told("READY=1")
told("WATCHDOG=1", 2)
broker.send_signal(signal.SIGHUP)
told("RELOADING=1")
told("READY=1")
broker.send_signal(signal.SIGTERM)
told("STOPPING=1")
sys.exit(broker.wait())
