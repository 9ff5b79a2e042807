"""A program on a terminal of its own: what it shows, what is typed, how it ends. All waits are bounded."""
import errno
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[()][0-9A-B]|\x1b[=>78]")


class Terminal:
    def __init__(self, args, env=None, rows=40, columns=120):
        self.seen = b""
        self.status = None
        env = {**(env or os.environ), "TERM": "xterm-256color"}
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
                os.execve(args[0], args, env)
            finally:
                os._exit(127)
        self.before = termios.tcgetattr(self.fd)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)

    def _read(self, seconds):
        """Take what comes; False where the other side has closed."""
        ready, _, _ = select.select([self.fd], [], [], seconds)
        if not ready:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError as e:
            if e.errno != errno.EIO:
                raise
            data = b""
        self.seen += data
        return bool(data)

    def text(self):
        return ESCAPES.sub("", self.seen.decode("utf-8", "replace"))

    def until(self, *parts, seconds=15):
        """Problems: which of these texts were not shown in time."""
        end = time.monotonic() + seconds
        is_open = True
        while time.monotonic() < end and is_open and not all(p in self.text() for p in parts):
            is_open = self._read(0.1)
        return ["%r is not shown: %r" % (p, self.text()[-600:]) for p in parts if p not in self.text()]

    def forget(self):
        self.seen = b""

    def type(self, keys):
        os.write(self.fd, keys.encode())

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def ends(self, status, seconds=15):
        """Problems: it ends with this status, and leaves the terminal as it was."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._read(0.05)
            pid, raw = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(raw)
                while select.select([self.fd], [], [], 0)[0] and self._read(0):
                    pass  # its last words
                break
        problems = [] if self.status == status else ["status %r, not %r: %r" % (self.status, status, self.text()[-300:])]
        shown = self.seen.decode("utf-8", "replace")
        if "\x1b[?1049h" in shown and shown.rfind("\x1b[?1049l") < shown.rfind("\x1b[?1049h"):
            problems.append("the screen is not given back")
        try:
            if self.status is not None and termios.tcgetattr(self.fd)[3] != self.before[3]:
                problems.append("the terminal's modes are not given back")
        except termios.error:
            pass  # nobody has it open any more
        return problems
