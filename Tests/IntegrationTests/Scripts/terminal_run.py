"""Runs a command on a terminal of its own, types words, each when a text has been shown, and prints everything that was shown, and what the terminal was
like before and after.

usage: terminal_run.py TEXT=WORD,TEXT=WORD,... COMMAND...
"""
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios

steps = [step.split("=", 1) for step in sys.argv[1].split(",") if step]
master, slave = pty.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 20, 100, 0, 0))
before = termios.tcgetattr(slave)
child = subprocess.Popen(sys.argv[2:], stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
shown = b""
seen = 0
while True:
    if steps and steps[0][0].encode() in shown[seen:]:
        seen = len(shown)
        os.write(master, steps.pop(0)[1].encode())
    if child.poll() is not None:
        os.set_blocking(master, False)
    try:
        data = os.read(master, 65536)
    except (BlockingIOError, OSError):
        break
    if not data:
        break
    shown += data
    if child.poll() is None and not steps:
        child.wait()
after = termios.tcgetattr(slave)
sys.stdout.buffer.write(shown)
sys.stdout.write(f"\nrestored={before == after}\n")
sys.exit(child.wait())
