"""What does a person see? Runs a command in a pseudo-terminal of a given size and answers what a terminal would show.

    terminal.py COLUMNS ROWS COMMAND…

Asked on standard input, one request per line, each answered with one line of JSON:
    show               the rows as they stand, without blanks at their ends
    resize COLUMNS ROWS  changes the size, as a window manager does, and answers the same
    type TEXT          types the text and the enter key
    interrupt          types Ctrl-C
    end                waits for the command to end; rows and exit code
"""

import fcntl
import json
import os
import pty
import signal
import struct
import sys
import termios
import threading

import pyte

columns, rows = int(sys.argv[1]), int(sys.argv[2])
process, terminal = pty.fork()
if process == 0:
    os.execvp(sys.argv[3], sys.argv[3:])

screen = pyte.Screen(columns, rows)
stream = pyte.ByteStream(screen)
lock = threading.Lock()
ended = threading.Event()


def size(columns, rows):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def read():
    while True:
        try:
            data = os.read(terminal, 65536)
        except OSError:
            # Linux answers so when the last process has closed the other end.
            data = b""
        if not data:
            ended.set()
            return
        with lock:
            stream.feed(data)


def shown():
    with lock:
        return [line.rstrip() for line in screen.display]


size(columns, rows)
threading.Thread(target=read, daemon=True).start()
for line in sys.stdin:
    request, _, rest = line.strip().partition(" ")
    if request == "resize":
        columns, rows = (int(part) for part in rest.split())
        with lock:
            screen.resize(rows, columns)
        size(columns, rows)
        os.kill(process, signal.SIGWINCH)
    elif request == "type":
        os.write(terminal, rest.encode() + b"\r")
    elif request == "interrupt":
        os.write(terminal, b"\x03")
    elif request == "end":
        ended.wait()
        _, status = os.waitpid(process, 0)
        print(json.dumps({"rows": shown(), "exit_code": os.waitstatus_to_exitcode(status)}), flush=True)
        break
    print(json.dumps({"rows": shown()}), flush=True)
