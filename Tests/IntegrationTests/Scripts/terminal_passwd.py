"""Runs a command on a terminal of its own and answers each of its prompts with the next word; prints what the terminal showed.

usage: terminal_passwd.py WORD,WORD,... COMMAND...
"""
import os
import pty
import sys

answers = sys.argv[1].split(",")
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
shown = b""
pending = b""
while True:
    try:
        data = os.read(terminal, 1024)
    except OSError:
        break
    if not data:
        break
    shown += data
    pending += data
    if pending.endswith(b"assword: ") and answers:
        pending = b""
        os.write(terminal, answers.pop(0).encode() + b"\n")
_, status = os.waitpid(pid, 0)
sys.stdout.write(shown.decode())
sys.exit(os.waitstatus_to_exitcode(status))
