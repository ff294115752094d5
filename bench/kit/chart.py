"""A chart of ratios: one SVG, a panel for each table, a bar for each row."""
from xml.sax.saxutils import escape

from session import ratio
from tables import NAMES

WIDTH, LABEL, BAR, GAP = 760, 190, 14, 6
COLORS = {"pytorch": "#c8553d", "onnxruntime": "#3d6fc8", "darknet": "#777777",
          "onednn": "#3d9a5f"}


def _panels(parts):
    """(title, [(label, who, times faster)])"""
    for name, title in (("networks", "Training"), ("inference", "Prediction")):
        rows = parts.get(name, {}).get("rows", [])
        for threads in sorted({r["threads"] for r in rows}):
            bars = [(f"{r['name']}, {r['batch']}", who, ratio(r["results"]["weft"], theirs))
                    for r in rows if r["threads"] == threads
                    for who, theirs in r["results"].items() if who != "weft"]
            yield f"{title}, {threads} thread{'s' * (threads > 1)}", bars
    rows = parts.get("kernels", {}).get("rows", [])
    for threads in sorted({r["threads"] for r in rows}):
        bars = [(f"{r['name']} {direction}", "onednn", ratio(found["weft"], found["onednn"]))
                for r in rows if r["threads"] == threads
                for direction, found in r["results"].items() if "onednn" in found]
        yield f"Convolutions, {threads} thread{'s' * (threads > 1)}", bars


def _text(x, y, text, anchor="start", weight="normal"):
    return (f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" font-weight="{weight}">'
            f"{escape(text)}</text>")


def _panel(title, bars, top):
    """Bars as long as the ratio, and a line at 1, where both are equally fast."""
    most = max(2.0, max(value for _, _, value in bars))
    scale = (WIDTH - LABEL - 170) / most
    y, out = top + 24, [_text(0, top + 12, title, weight="bold")]
    for label, who, value in bars:
        out.append(_text(LABEL - 8, y + BAR - 3, label, "end"))
        out.append(f'<rect x="{LABEL}" y="{y}" width="{max(1, value * scale):.1f}" height="{BAR}" '
                   f'fill="{COLORS[who]}"/>')
        out.append(_text(LABEL + value * scale + 5, y + BAR - 3, f"{value:.2f} x {NAMES[who]}"))
        y += BAR + GAP
    out.append(f'<line x1="{LABEL + scale:.1f}" y1="{top + 20}" x2="{LABEL + scale:.1f}" y2="{y}" '
               'stroke="black" stroke-dasharray="3 3"/>')
    return "\n".join(out), y + 20


def draw(parts):
    body, y = [], 30
    body.append(_text(0, 16, "weft: times faster than ..., higher is better", weight="bold"))
    for title, bars in _panels(parts):
        if bars:
            text, y = _panel(title, bars, y)
            body.append(text)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" '
            f'viewBox="-10 0 {WIDTH + 10} {y}" font-family="sans-serif" font-size="12">\n'
            f'<rect x="-10" width="{WIDTH + 10}" height="{y}" fill="white"/>\n' +
            "\n".join(body) + "\n</svg>\n")
