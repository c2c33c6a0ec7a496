"""Prints "passed failed skipped" of a testlog.json of meson's; a missing log is one failure."""
import json
import sys

counts = {"passed": 0, "failed": 0, "skipped": 0}
kinds = {"OK": "passed", "EXPECTEDFAIL": "passed", "SKIP": "skipped"}
try:
    with open(sys.argv[1], encoding="utf-8") as log:
        for line in log:
            counts[kinds.get(json.loads(line)["result"], "failed")] += 1
except OSError:
    counts["failed"] = 1
if not any(counts.values()):
    counts["failed"] = 1
print(counts["passed"], counts["failed"], counts["skipped"])
