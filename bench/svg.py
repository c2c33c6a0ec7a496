"""Charts as plain SVG, readable on light and dark pages. Standard library only."""

import math
from xml.sax.saxutils import escape

COLOURS = {"relay": "#8a8f98", "hearth": "#d9480f", "ejabberd": "#1c7ed6", "prosody": "#7048e8"}
FONT = 'font-family="system-ui, sans-serif" font-size="12"'
TEXT = "#6b7280"
GRID = "#9ca3af"


def number(value):
    """Three significant digits, thousands separated."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def text(x, y, words, anchor="start", extra=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" {FONT} fill="{TEXT}" text-anchor="{anchor}" {extra}>{escape(words)}</text>'


def document(width, height, title, parts):
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" role="img">',
            f"<title>{escape(title)}</title>",
            text(10, 18, title, extra='font-weight="bold"'),
            *parts,
            "</svg>",
            "",
        ]
    )


def legend(names, x, y):
    parts = []
    for name in names:
        parts.append(f'<rect x="{x}" y="{y - 9}" width="10" height="10" fill="{COLOURS[name]}"/>')
        parts.append(text(x + 14, y, name))
        x += 14 + 8 * len(name) + 18
    return parts


def decades(low, high):
    return range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)


def bars(title, unit, groups, names):
    """Horizontal bars on a logarithmic axis. groups: [(label, {name: value})]."""
    values = [v for _, row in groups for v in row.values() if v and v > 0]
    if not values:
        return None
    ticks = list(decades(min(values), max(values)))
    right, bar = 70, 13
    left = 20 + 7 * max(len(label) for label, _ in groups)
    width = left + 570
    scale = (width - left - right) / max(1, ticks[-1] - ticks[0])
    at = lambda v: left + (math.log10(v) - ticks[0]) * scale
    parts = legend(names, 10, 38)
    y = 56
    body = []
    for label, row in groups:
        shown = [n for n in names if row.get(n) and row[n] > 0]
        body.append(text(left - 8, y + bar * len(shown) / 2 + 4, label, "end"))
        for name in shown:
            end = at(row[name])
            body.append(
                f'<rect x="{left}" y="{y}" width="{max(1, end - left):.1f}" height="{bar - 2}" '
                f'fill="{COLOURS[name]}"/>'
            )
            body.append(text(end + 4, y + bar - 3, number(row[name])))
            y += bar
        y += 9
    for tick in ticks:
        x = left + (tick - ticks[0]) * scale
        parts.append(f'<line x1="{x:.1f}" y1="50" x2="{x:.1f}" y2="{y}" stroke="{GRID}" stroke-opacity=".4"/>')
        parts.append(text(x, y + 14, f"{10.0 ** tick:g}", "middle"))
    parts.append(text(width - 10, y + 30, unit + ", logarithmic", "end"))
    return document(width, y + 38, title, parts + body)


def lines(title, x_unit, y_unit, series):
    """Both axes logarithmic. series: {name: [(x, y)]}."""
    points = [p for row in series.values() for p in row if p[1] > 0]
    if not points:
        return None
    xs = sorted({p[0] for p in points})
    ticks = list(decades(min(p[1] for p in points), max(p[1] for p in points)))
    left, top, width, height = 60, 56, 760, 360
    low, high = math.log10(xs[0]), math.log10(xs[-1]) if len(xs) > 1 else math.log10(xs[0]) + 1
    px = lambda v: left + (math.log10(v) - low) / (high - low) * (width - left - 40)
    span = max(1, ticks[-1] - ticks[0])
    py = lambda v: height - 50 - (math.log10(v) - ticks[0]) / span * (height - 50 - top)
    parts = legend([n for n in series if series[n]], 10, 38)
    for tick in ticks:
        y = py(10.0**tick)
        parts.append(f'<line x1="{left}" y1="{y:.1f}" x2="{width - 40}" y2="{y:.1f}" stroke="{GRID}" stroke-opacity=".4"/>')
        parts.append(text(left - 6, y + 4, f"{10.0 ** tick:g}", "end"))
    for x in xs:
        parts.append(text(px(x), height - 32, f"{x:,}", "middle"))
    for name, row in series.items():
        row = [p for p in sorted(row) if p[1] > 0]
        path = " ".join(f"{px(x):.1f},{py(y):.1f}" for x, y in row)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{COLOURS[name]}" stroke-width="2"/>')
        parts += [f'<circle cx="{px(x):.1f}" cy="{py(y):.1f}" r="3.5" fill="{COLOURS[name]}"/>' for x, y in row]
    parts.append(text(width - 40, height - 12, f"{x_unit}; {y_unit}; both logarithmic", "end"))
    return document(width, height, title, parts)
