#!/usr/bin/env python3
"""Turns the generator's results into a table on the terminal or into docs/performance.md.

usage: report.py conditions RESULTS     appends what machine this is
       report.py table RESULTS
       report.py page RESULTS DOCS_DIR

RESULTS holds one JSON object a line. Several results of one case count by their median. Nothing
in the page is typed by hand.
"""

import json
import os
import statistics
import sys
import time

import svg

SERVERS = ["relay", "hearth", "ejabberd", "prosody"]
TITLES = {"relay": "limit (relay)", "hearth": "Hearth", "ejabberd": "ejabberd", "prosody": "Prosody"}

# case, what a person calls it; the figure is CPU time of the server per operation
OPERATIONS = [
    ("chat-1", "chat message, each alone"),
    ("chat-8", "chat message, 8 in flight"),
    ("chat-1-tls", "chat message over TLS, each alone"),
    ("chat-8-tls", "chat message over TLS, 8 in flight"),
    ("login", "login (SCRAM-SHA-1)"),
    ("login-tls", "login over TLS, full handshake"),
    ("login-starttls", "login with STARTTLS"),
    ("presence", "presence delivery, 1,000 × 50"),
    ("subscribe", "subscription: request, approval, pushes"),
    ("collect", "roster change with its push"),
    ("roster-50", "roster load, 50 contacts"),
    ("roster-1000", "roster load, 1,000 contacts"),
]
SESSIONS = [
    ("idle", "idle session"),
    ("idle-tls", "idle session over TLS"),
    ("idle-present", "session with presence, caps, 50 contacts"),
    ("idle-full", "session with presence, caps, carbons, 0198, 50 contacts"),
]
PROCESS = [("process", "before anybody logs in, no accounts")]
DAMAGES = ["lost", "duplicate", "reordered", "misrouted", "corrupted", "bounced", "broken"]


class Results:
    def __init__(self, path):
        with open(path) as file:
            rows = [json.loads(line) for line in file if line.strip()]
        self.conditions = [r for r in rows if r["scenario"] == "conditions"]
        self.rows = [r for r in rows if r["scenario"] != "conditions"]
        self.servers = [s for s in SERVERS if any(r["server"] == s for r in self.rows)]

    def of(self, server, case):
        return [r for r in self.rows if r["server"] == server and r["case"] == case]

    def median(self, server, case, field):
        """None if there is no result or a run failed its checks."""
        values = [r[field] for r in self.of(server, case) if field in r]
        return statistics.median(values) if values and self.is_ok(server, case) else None

    def is_ok(self, server, case):
        return all(r["ok"] for r in self.of(server, case))

    def rates(self):
        return sorted({r["rate"] for r in self.rows if r["scenario"] == "rate"})


def cell(results, server, case, field):
    value = results.median(server, case, field)
    if value is None:
        return "failed" if results.of(server, case) else "-"
    return svg.number(value)


def markdown(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|---" + "|---:" * (len(header) - 1) + "|"]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def advantage(results, case, field):
    """How many times less Hearth needs than the best peer."""
    ours = results.median("hearth", case, field)
    peers = [results.median(s, case, field) for s in ("ejabberd", "prosody")]
    peers = [p for p in peers if p]
    return f"{min(peers) / ours:.0f}×" if ours and ours > 0 and peers else "-"


def per_server(results, cases, field):
    header = ["", *(TITLES[s] for s in results.servers)]
    has_both = "hearth" in results.servers and len(results.servers) > 2
    if has_both:
        header.append("Hearth against the best peer")
    rows = []
    for case, title in cases:
        if not any(results.of(s, case) for s in results.servers):
            continue
        row = [title, *(cell(results, s, case, field) for s in results.servers)]
        rows.append(row + ([advantage(results, case, field)] if has_both else []))
    return markdown(header, rows)


def throughput(results):
    rows = []
    for case, title in OPERATIONS:
        costs = [results.median(s, case, "cpu_us_per_op") for s in results.servers]
        if any(costs):
            rows.append([title, *(svg.number(1e6 / c) if c else "-" for c in costs)])
    return markdown(["", *(TITLES[s] for s in results.servers)], rows)


def is_behind(results, server, case):
    done = results.median(server, case, "ops_per_s")
    return done is not None and done < 0.95 * results.median(server, case, "rate")


def latency_cell(results, server, case):
    if results.median(server, case, "p50_us") is None:
        return "failed" if results.of(server, case) else "-"
    points = [results.median(server, case, f) / 1000 for f in ("p50_us", "p99_us", "p999_us")]
    words = " / ".join(svg.number(p) for p in points)
    if is_behind(results, server, case):
        words = f"cannot ({svg.number(results.median(server, case, 'ops_per_s'))} a second)"
    return words


def latency(results):
    servers = [s for s in results.servers if s != "relay"]
    header = ["messages a second"]
    for server in servers:
        header += [TITLES[server], f"relay beside {TITLES[server]}"]
    rows = []
    for rate in results.rates():
        row = [f"{rate:,}"]
        for server in servers:
            row.append(latency_cell(results, server, f"rate-{rate}"))
            row.append(latency_cell(results, "relay", f"rate-{rate}-beside-{server}"))
        rows.append(row)
    return markdown(header, rows)


def correctness(results):
    rows = []
    for server in results.servers:
        mine = [r for r in results.rows if r["server"] == server]
        sent = sum(r.get("sent", 0) for r in mine)
        rows.append([TITLES[server], f"{sent:,}", *(f"{sum(r.get(d, 0) for r in mine):,}" for d in DAMAGES)])
    return markdown(["", "sent and checked", *DAMAGES], rows)


def doubts(results):
    """What makes a figure less than it seems."""
    lines = []
    for r in results.rows:
        name = f"{r['server']} {r['case']}"
        if not r["ok"]:
            lines.append(f"- {name}: the run failed its checks.")
        if r.get("server_busy", 0) > 1.05:
            lines.append(f"- {name}: the server used more than its one core.")
        if r.get("generator_busy", 0) > 0.95:
            lines.append(f"- {name}: the generator was at its limit; the CPU figure stands, the rate does not.")
    return sorted(set(lines)) or ["None."]


def write_charts(results, directory):
    os.makedirs(directory, exist_ok=True)
    chart = lambda cases, field: [(t, {s: results.median(s, c, field) for s in results.servers}) for c, t in cases]
    beside = {"relay": []}
    for rate in results.rates():
        value = results.median("relay", f"rate-{rate}-beside-hearth", "p99_us")
        if value:
            beside["relay"].append((rate, value / 1000))
    for server in results.servers[1:]:
        points = [(r, results.median(server, f"rate-{r}", "p99_us")) for r in results.rates()]
        beside[server] = [(r, p / 1000) for r, p in points if p and not is_behind(results, server, f"rate-{r}")]
    charts = {
        "cpu": svg.bars("CPU time per operation", "µs", chart(OPERATIONS, "cpu_us_per_op"), results.servers),
        "memory": svg.bars("Memory per session", "KiB", chart(SESSIONS, "session_kib"), results.servers),
        "latency": svg.lines("99th percentile of latency", "messages a second", "ms", beside),
    }
    for name, text in charts.items():
        if text:
            with open(os.path.join(directory, name + ".svg"), "w") as out:
                out.write(text)
    return [name for name, text in charts.items() if text]


def versions(results):
    rows = []
    for server in results.servers:
        mine = [r for r in results.rows if r["server"] == server]
        ciphers = sorted({r["tls_cipher"] for r in mine if r["tls_cipher"]})
        name = "kernel " + mine[0]["version"] if server == "relay" else mine[0]["version"]
        rows.append([TITLES[server], name, ", ".join(ciphers) or "-"])
    return ["| | version | TLS |", "|---|---|---|"] + ["| " + " | ".join(r) + " |" for r in rows]


def conditions(results):
    lines = []
    for row in results.conditions[-1:]:
        lines += [f"- {key.replace('_', ' ')}: {value}" for key, value in row.items() if key != "scenario"]
    sessions = results.median("hearth", "idle", "users") or results.median("relay", "idle", "users")
    start = min(r["time"] for r in results.rows)
    end = max(r["time"] for r in results.rows)
    lines.append(f"- measured: {time.strftime('%Y-%m-%d %H:%M', time.gmtime(start))} UTC, {(end - start) / 60:.0f} minutes")
    if sessions:
        lines.append(f"- idle sessions: {sessions:,.0f} without TLS, 2,000 with")
    return lines


PAGE = """<!-- Generated by bench/report.py from the output of script/bench-peers. Do not edit. -->
# Performance

One core for the server, another for the load generator, everything on loopback, every message
checked. The main figure is **CPU time of the server's processes per operation**: it holds on a
shared machine, where wall time is noise. The limit is a relay that moves the same bytes between
the same sockets and does nothing else; no server can cost less.

## CPU time per operation, µs
{cpu}

![CPU time per operation](performance/cpu.svg)

## Operations a second on one core
One million divided by the CPU time above: what a core does when nothing else is on it.

{throughput}

## Memory per session, KiB
Growth of the proportional set size of all processes of the server, divided by the sessions; the
kernel's socket buffers are not in it.

{memory}

![Memory per session](performance/memory.svg)

Memory of the server's processes, MiB:

{base}

## Latency at equal rates: p50 / p99 / p99.9, ms
1,000 sessions, messages due at random moments; latency counts from the moment a message was due.
Median of three rounds, each with the relay measured in the same minute. "cannot": the server did
not keep up, and what it delivers instead; its latency would only be the length of its queue.

{latency}

![99th percentile](performance/latency.svg)

## Correctness
Each message carries sender, receiver and number.

{correctness}

## Doubts
{doubts}

## Conditions
{conditions}
- servers: loopback, own data directory, limits off, one core by `taskset`; the modules that
  Debian's configuration enables; configurations in `bench/servers/`
- messages: 140 bytes of text in English and Chinese, to the bare JID, both sides online, 50 pairs
- logins: SCRAM-SHA-1, 16 at a time, ECDSA P-256 certificate, no TLS resumption
- the relay's login has as many round trips as a real one, and no SCRAM

{versions}

## Repeat it
On a fresh Debian 12 machine with two cores or more, as root:

```
script/bench-peers
```

It installs ejabberd and Prosody without starting their services, runs everything and writes this
page. `script/bench` measures Hearth and the relay alone; `script/bench chat` only the cases whose
names begin so.
"""


def page(results, docs):
    charts = os.path.join(docs, "performance")
    write_charts(results, charts)
    text = PAGE.format(
        cpu="\n".join(per_server(results, OPERATIONS, "cpu_us_per_op")),
        throughput="\n".join(throughput(results)),
        memory="\n".join(per_server(results, SESSIONS, "session_kib")),
        base="\n".join(per_server(results, PROCESS, "pss_mib")),
        latency="\n".join(latency(results)),
        correctness="\n".join(correctness(results)),
        doubts="\n".join(doubts(results)),
        conditions="\n".join(conditions(results)),
        versions="\n".join(versions(results)),
    )
    with open(os.path.join(docs, "performance.md"), "w") as out:
        out.write(text)


def note_conditions(path):
    def first(file, key):
        with open(file) as lines:
            return next((l.split(":", 1)[1].strip() for l in lines if l.startswith(key)), "unknown")

    with open("/etc/os-release") as lines:
        system = next(l.split("=", 1)[1].strip().strip('"') for l in lines if l.startswith("PRETTY_NAME"))
    row = {
        "scenario": "conditions",
        "processor": f"{first('/proc/cpuinfo', 'model name')}, {os.cpu_count()} cores",
        "memory": f"{int(first('/proc/meminfo', 'MemTotal').split()[0]) / 1048576:.0f} GiB",
        "system": f"{system}, Linux {os.uname().release}",
        "load_average_at_the_start": f"{os.getloadavg()[0]:.1f}",
    }
    with open(path, "a") as out:
        out.write(json.dumps(row) + "\n")


def print_table(results):
    def show(title, rows):
        print("\n" + title)
        table = [[c.strip() for c in row.strip("|").split("|")] for row in rows if not row.startswith("|---")]
        widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
        for row in table:
            print("  " + row[0].ljust(widths[0]) + "".join("  " + c.rjust(w) for c, w in zip(row[1:], widths[1:])))

    show("CPU time per operation, µs", per_server(results, OPERATIONS, "cpu_us_per_op"))
    show("memory per session, KiB", per_server(results, SESSIONS, "session_kib"))
    show("server processes, MiB", per_server(results, PROCESS, "pss_mib"))
    if results.rates():
        show("latency p50 / p99 / p99.9, ms", latency(results))
    show("correctness", correctness(results))
    print("\ndoubts")
    print("\n".join("  " + line for line in doubts(results)))


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "conditions":
        note_conditions(sys.argv[2])
    elif len(sys.argv) == 3 and sys.argv[1] == "table":
        print_table(Results(sys.argv[2]))
    elif len(sys.argv) == 4 and sys.argv[1] == "page":
        page(Results(sys.argv[2]), sys.argv[3])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
