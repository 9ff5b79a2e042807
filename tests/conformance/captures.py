"""Where the reference captures lie: WEIR_CAPTURES, or shared/captures beside the project."""
import os

import tap

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))


def find():
    """the folder, or None"""
    for d in (os.environ.get("WEIR_CAPTURES"), os.path.join(ROOT, "..", "shared", "captures"),
              os.path.join(ROOT, "..", "..", "shared", "captures")):
        if d and os.path.isdir(os.path.join(d, "expected")):
            return os.path.realpath(d)
    return None


def folder():
    found = find()
    if found:
        return found
    tap.skip_all("no reference captures: set WEIR_CAPTURES to their folder")
