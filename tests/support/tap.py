"""The Test Anything Protocol: one line a check, as meson and scripts/test read it."""
import os
import sys


class Tap:
    def __init__(self):
        self.n = 0
        self.failed = 0

    def _line(self, is_ok, name, suffix=""):
        self.n += 1
        print("%s %d - %s%s" % ("ok" if is_ok else "not ok", self.n, name.replace("#", ""), suffix), flush=True)

    def check(self, name, problems):
        """problems: a list of texts; none means that it passed"""
        self._line(not problems, name)
        if problems:
            self.failed += 1
            for p in problems:
                for line in str(p).splitlines():
                    print("#   " + line, flush=True)

    def skip(self, name, reason):
        self._line(True, name, " # SKIP " + reason)

    def note(self, text):
        print("# " + text, flush=True)

    def done(self):
        print("1..%d" % self.n, flush=True)
        # meson reads the lines; a status besides would be a second, vaguer failure.
        sys.exit(1 if self.failed and "WEIR_UNDER_MESON" not in os.environ else 0)


def skip_all(reason):
    print("1..0 # SKIP " + reason, flush=True)
    sys.exit(0)
