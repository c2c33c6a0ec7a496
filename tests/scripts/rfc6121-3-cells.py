#!/usr/bin/env python3
"""Writes rfc6121-3-A*.talk: every reachable cell of the subscription table (RFC 6121 appendix A),
played through the whole server. The expectation is written here from the RFC's rules about four
facts (to, from, out, in), not from the server's table.

	python3 tests/scripts/rfc6121-3-cells.py tests/scripts
"""
import collections
import os
import sys

KINDS = ['subscribe', 'unsubscribe', 'subscribed', 'unsubscribed']
State = collections.namedtuple('State', 'to frm out inn listed')
NONE = State(0, 0, 0, 0, 0)
NAMES = {(0, 0, 0, 0): 'None', (0, 0, 1, 0): 'None + Pending Out', (0, 0, 0, 1): 'None + Pending In',
         (0, 0, 1, 1): 'None + Pending Out+In', (1, 0, 0, 0): 'To', (1, 0, 0, 1): 'To + Pending In',
         (0, 1, 0, 0): 'From', (0, 1, 1, 0): 'From + Pending Out', (1, 1, 0, 0): 'Both'}


def name(s):
    return NAMES[s[:4]]


def shown(s):
    """What a client may see of the contact; None + Pending In alone makes no contact (A.1)."""
    return s.listed or s.to or s.frm or s.out


def settle(s):
    return s._replace(listed=1) if shown(s) else s


def outbound(s, kind):
    """Section A.2: the new state, and whether the stanza is routed."""
    if kind == 'subscribe':  # always routed; pending unless there is a subscription already
        return settle(s._replace(out=0 if s.to else 1)), True
    if kind == 'unsubscribe':  # always routed
        return settle(s._replace(to=0, out=0)), True
    if kind == 'subscribed':  # approves a request; without one it must not be routed
        return (settle(s._replace(frm=1, inn=0)), True) if s.inn else (s, False)
    return settle(s._replace(frm=0, inn=0)), bool(s.frm or s.inn)


def inbound(s, kind):
    """Section A.3: the new state, whether it is delivered, whether it is answered for the user."""
    if kind == 'subscribe':
        if s.frm:
            return s, False, True
        return (s, False, False) if s.inn else (s._replace(inn=1), True, False)
    if kind == 'unsubscribe':
        return settle(s._replace(frm=0, inn=0)), bool(s.frm or s.inn), False
    if kind == 'subscribed':
        return (settle(s._replace(to=1, out=0)), True, False) if s.out else (s, False, False)
    return settle(s._replace(to=0, out=0)), bool(s.to or s.out), False


class World:
    """Two accounts; collects what each one's session receives."""

    def __init__(self, romeo, juliet):
        self.jid = [romeo, juliet]
        self.state = [NONE, NONE]
        self.got = [[], []]
        self.approved = [False, False]

    def item(self, who):
        s = self.state[who]
        word = 'both' if s.to and s.frm else 'to' if s.to else 'from' if s.frm else 'none'
        ask = " ask='subscribe'" if s.out else ''
        if self.approved[who]:
            ask += " approved='true'"
        return f"<item jid='{self.jid[1 - who]}' subscription='{word}'{ask}/>"

    def change(self, who, new, approves=False):
        """The roster push of a change that clients see."""
        before = self.item(who) if shown(self.state[who]) else ''
        self.state[who] = new
        self.approved[who] |= approves
        if (self.item(who) if shown(new) else '') != before:
            return [f"<iq to='{self.jid[who]}/r' type='set' id='{{any}}'><query "
                    f"xmlns='jabber:iq:roster' ver='{{any}}'>{self.item(who)}</query></iq>"]
        return []

    def presence(self, who, kind=''):
        kind = f" type='{kind}'" if kind else ''
        return f"<presence from='{self.jid[who]}/r' to='{self.jid[1 - who]}'{kind}/>"

    def stanza(self, who, kind):
        return f"<presence from='{self.jid[who]}' to='{self.jid[1 - who]}' type='{kind}'/>"

    def receive(self, who, kind):
        old = self.state[who]
        new, delivered, answered = inbound(old, kind)
        if delivered:
            self.got[who].append(self.stanza(1 - who, kind))
        self.got[who] += self.change(who, new)
        if old.frm and not new.frm:
            self.got[1 - who].append(self.presence(who, 'unavailable'))
        if answered:
            self.receive(1 - who, 'subscribed')
            self.got[1 - who].append(self.presence(who))

    def send(self, who, kind):
        old = self.state[who]
        new, routed = outbound(old, kind)
        approves = kind == 'subscribed' and not old.inn and not old.frm  # section 3.4
        if approves:
            new = new._replace(listed=1)
        self.got[who] += self.change(who, new, approves)
        if old.frm and not new.frm:  # section 3.2.2: before the stanza
            self.got[1 - who].append(self.presence(who, 'unavailable'))
        if routed:
            self.receive(1 - who, kind)
        if new.frm and not old.frm:  # section 3.1.5: after it
            self.got[1 - who].append(self.presence(who))

    def lose(self, who):
        self.state[who] = NONE

    def do(self, step):
        if step[1] == 'lose':
            self.lose(step[0])
        else:
            self.send(*step)


def play(history):
    world = World('a@localhost', 'b@localhost')
    for step in history:
        world.do(step)
    return tuple(world.state)


def histories():
    """The shortest way to every pair of states, without pre-approvals (a script of their own);
    a lost half only where nothing else leads there."""
    start = (NONE, NONE)
    found = {start: ()}
    for may_lose in (False, True):
        queue = collections.deque(found)
        while queue:
            pair = queue.popleft()
            steps = [(who, kind) for who in (0, 1) for kind in KINDS]
            if may_lose:
                steps += [(0, 'lose'), (1, 'lose')]
            for step in steps:
                if step[1] == 'subscribed' and not pair[step[0]].inn:
                    continue
                history = found[pair] + (step,)
                reached = play(history)
                if reached not in found:
                    found[reached] = history
                    queue.append(reached)
    return found


def best(found, wanted):
    fitting = [(any(s[1] == 'lose' for s in h), len(h), h, p) for p, h in found.items() if wanted(p)]
    return min(fitting)[2:] if fitting else None


def cells(found, line):
    """For every cell of one line: its title, the way there, who sends what."""
    for kind in KINDS:
        for facts in NAMES:
            if line == 'out':
                way = best(found, lambda p: p[0][:4] == facts)
            else:
                way = best(found, lambda p: p[0][:4] == facts and outbound(p[1], kind)[1])
            yield kind, facts, way


def write_step(out, clients, jids, step):
    who, kind = step
    if kind == 'lose':
        out.append(f'roster {jids[who]} loses {jids[1 - who]}')
        return
    out.append(f'{clients[who]} sends')
    out.append(f"\t<presence to='{jids[1 - who]}' type='{kind}'/>")


def write_cell(out, number, line, kind, facts, history):
    clients = [f'r{number}', f'j{number}']
    jids = [f'{c}@localhost' for c in clients]
    world = World(*jids)
    sender = 0 if line == 'out' else 1
    for client, jid in zip(clients, jids):
        out.append(f'client {client} is {jid}/r')
        out.append(f'{client} connects')
        out.append(f'{client} sends')
        out.append("\t<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq><presence/>")
    for step in history:
        world.do(step)
        write_step(out, clients, jids, step)
    for client in clients:
        out.append(f'{client} forgets')
    world.got = [[], []]
    out.append(f'# {NAMES[facts]}: {kind}')
    world.do((sender, kind))
    write_step(out, clients, jids, (sender, kind))
    for who, client in enumerate(clients):
        if not world.got[who]:
            out.append(f'{client} receives nothing')
            continue
        out.append(f'{client} receives')
        out += ['\t' + xml for xml in world.got[who]]
    for who, client in enumerate(clients):
        item = world.item(who) if shown(world.state[who]) else ''
        out.append(f'{client} sends')
        out.append("\t<iq type='get' id='r2'><query xmlns='jabber:iq:roster'/></iq>")
        out.append(f'{client} receives')
        out.append(f"\t<iq from='{jids[who]}' to='{jids[who]}/r' type='result' id='r2'>"
                   f"<query xmlns='jabber:iq:roster'>{item}</query></iq>")


def main():
    found = histories()
    table = {'out': 2, 'in': 3}
    for line in ('out', 'in'):
        scripts = collections.defaultdict(list)
        for number, (kind, facts, way) in enumerate(cells(found, line)):
            if way is None:
                scripts[kind].append(f'# {NAMES[facts]}: {kind} cannot come from a local account; '
                                     'see tests/unit/core/test_subscription.c')
            else:
                write_cell(scripts[kind], number, line, kind, facts, way[0])
        for i, kind in enumerate(KINDS):
            section = f'A.{table[line]}.{i + 1}'
            path = os.path.join(sys.argv[1], f'rfc6121-3-{section}-{line}-{kind}.talk')
            head = f'# RFC 6121 section {section}, {line}bound "{kind}". Made by rfc6121-3-cells.py.'
            with open(path, 'w', encoding='utf-8') as file:
                file.write('\n'.join([head] + scripts[kind]) + '\n')


main()
