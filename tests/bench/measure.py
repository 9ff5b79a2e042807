"""Run a program on one CPU and tell what it took.

Machines that build and test other things meanwhile give a program a varying share of a CPU, so costs are CPU
time, not wall-clock time: of the thread that does the work where a program has several (from
/proc/PID/task/TID/schedstat), of the whole process where it is one thread's work.
"""
import os
import signal
import subprocess
import threading
import time


class Failed(Exception):
    """A program did not do what was asked; the message is for people."""


def thread_times(pid, name):
    """On-CPU and waiting seconds of the threads of that name, summed."""
    on = wait = 0
    found = False
    try:
        for tid in os.listdir("/proc/%d/task" % pid):
            base = "/proc/%d/task/%s/" % (pid, tid)
            with open(base + "comm") as f:
                if not f.read().startswith(name):
                    continue
            with open(base + "schedstat") as f:
                a, b, _ = f.read().split()
            on, wait, found = on + int(a), wait + int(b), True
    except (OSError, ValueError):
        return None
    return (on / 1e9, wait / 1e9) if found else None


class Sampler(threading.Thread):
    """Keeps the newest thread_times() of a process while it runs."""

    def __init__(self, pid, name, every_s):
        super().__init__(daemon=True)
        self.pid, self.name_, self.every_s = pid, name, every_s
        self.last = None
        self.end = threading.Event()

    def run(self):
        while not self.end.is_set():
            now = thread_times(self.pid, self.name_)
            self.last = now or self.last
            self.end.wait(self.every_s)

    def share(self):
        """The part of its running time for which a thread had a CPU."""
        self.end.set()
        self.join()
        if not self.last or self.last[0] <= 0:
            return None
        return self.last[0] / (self.last[0] + self.last[1])


def times_by_thread(pid):
    """thread id -> (name, seconds on a CPU, when)"""
    found = {}
    try:
        for tid in os.listdir("/proc/%d/task" % pid):
            base = "/proc/%d/task/%s/" % (pid, tid)
            try:
                with open(base + "comm") as f:
                    name = f.read().strip()
                with open(base + "schedstat") as f:
                    found[tid] = (name, int(f.read().split()[0]) / 1e9, time.monotonic())
            except (OSError, ValueError):
                continue  # it has ended
    except OSError:
        pass
    return found


def cpus_by_name(first, last):
    """name -> percent of a CPU between two times_by_thread(); a thread that is new counts from when it is seen."""
    found = {}
    for tid, (name, on, at) in last.items():
        _, on_0, at_0 = first.get(tid, (name, on, at - 1))
        found[name] = found.get(name, 0.0) + 100 * (on - on_0) / (at - at_0)
    return found


class Watch(threading.Thread):
    """
    How much of a CPU each thread of a process takes while all `n` threads called `name` are there: from the first to
    the last look at them, so that neither start and end of the program nor a late look count.
    """

    def __init__(self, pid, name, n, every_s=0.1):
        super().__init__(daemon=True)
        self.pid, self.name_, self.n, self.every_s = pid, name, n, every_s
        self.first = self.last = None
        self.end = threading.Event()

    def run(self):
        hurry()
        while not self.end.is_set():
            found = times_by_thread(self.pid)
            if sum(n.startswith(self.name_) for n, _, _ in found.values()) == self.n:
                self.first = self.first or found
                self.last = found
            self.end.wait(self.every_s if self.first else 0.01)

    def stop(self):
        self.end.set()
        self.join()

    def percent(self):
        """name -> percent of a CPU"""
        if not self.first or max(t for _, _, t in self.last.values()) - min(t for _, _, t in self.first.values()) < 0.5:
            raise Failed("it ran too short to be looked at")
        return cpus_by_name(self.first, self.last)


def hurry():
    """Who looks at others should not have to wait for them; where it may not, it does."""
    try:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), -15)
    except OSError:
        pass


def run(command, cpu=None, timeout=120, thread=None, every_s=0.005, stdin=None, watch=None, env=None):
    """
    One run, all its children too: dict of out, err, wall_s, cpu_s, max_rss_bytes, share (of `thread`), watch (a Watch
    that has ended, of the name and the number of threads `watch`).
    """
    if cpu is not None:
        command = ["taskset", "-c", str(cpu), *command]
    start = time.monotonic()
    p = subprocess.Popen(command, stdin=stdin or subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         text=True, errors="replace", start_new_session=True, env=env)
    sampler = Sampler(p.pid, thread, every_s) if thread else None
    if sampler:
        sampler.start()
    watcher = Watch(p.pid, *watch) if watch else None
    if watcher:
        watcher.start()
    output = {}
    readers = [threading.Thread(target=lambda k=k, f=f: output.__setitem__(k, f.read()), daemon=True)
               for k, f in (("out", p.stdout), ("err", p.stderr))]
    for r in readers:
        r.start()
    timer = threading.Timer(timeout, lambda: os.killpg(p.pid, signal.SIGKILL))
    timer.start()
    try:
        _, status, usage = os.wait4(p.pid, 0)
    except BaseException:
        os.killpg(p.pid, signal.SIGKILL)
        raise
    finally:
        timer.cancel()
        if watcher:
            watcher.stop()
    p.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - start
    for r in readers:
        r.join(5)
    result = {
        "out": output.get("out", ""), "err": output.get("err", ""), "wall_s": wall,
        "cpu_s": usage.ru_utime + usage.ru_stime, "max_rss_bytes": usage.ru_maxrss * 1024,
        "share": sampler.share() if sampler else None,
        "watch": watcher,
    }
    if p.returncode == -signal.SIGKILL and wall >= timeout:
        raise Failed("it did not end within %d s" % timeout)
    if p.returncode:
        lines = (result["err"].strip() or result["out"].strip()).splitlines()
        raise Failed("status %d: %s" % (p.returncode, lines[-1] if lines else "(no message)"))
    return result


def median(values):
    v = sorted(values)
    n = len(v)
    return v[n // 2] if n % 2 else (v[n // 2 - 1] + v[n // 2]) / 2


def spread(values):
    """Half the distance of the quartiles, as a part of the median; of few values half their range."""
    v = sorted(values)
    m = median(v)
    if len(v) < 2 or not m:
        return 0.0
    lo, hi = (v[len(v) // 4], v[-1 - len(v) // 4]) if len(v) >= 4 else (v[0], v[-1])
    return (hi - lo) / 2 / m


def end_on_signals():
    """Being told to end leaves neither inputs nor programs behind."""
    def end(number, frame):
        raise KeyboardInterrupt
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
