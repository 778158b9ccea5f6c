"""A bar chart of everyone's time relative to Rondo's, as SVG: grouped by row, logarithmic, for light and dark."""
import math
from xml.sax.saxutils import escape

from racing.figures import ratios
from racing.heat import Heat

COLORS = ["#4477aa", "#ee6677", "#228833", "#ccbb44", "#aa3377", "#66ccee", "#999999", "#ee8866"]
BAR, GAP, LEFT, RIGHT, WIDTH, TOP = 13, 10, 190, 80, 860, 64

STYLE = """
    text { font: 12px system-ui, sans-serif; fill: #222 }
    .title { font-size: 15px; font-weight: 600 }
    .row { font-weight: 600 } .small { font-size: 11px }
    .grid { stroke: #ccc } .one { stroke: #222; stroke-width: 1.5 }
    @media (prefers-color-scheme: dark) { text { fill: #ddd } .grid { stroke: #444 } .one { stroke: #eee } }
"""


def groups_of(heats: list[Heat]) -> list[tuple[str, list[tuple[str, float]]]]:
    """(row, [(rival, its time / Rondo's)]) of every heat with rivals."""
    groups = []
    for heat in heats:
        base = heat.slices.get(heat.rondo())
        bars = [(entry.program, ratios(heat.slices[entry], base).median)
                for entry in heat.rivals() if base and heat.slices.get(entry)]
        if bars:
            threads = "" if heat.threads == 1 else f", {heat.threads} threads"
            groups.append((f"{heat.row.name}{threads}", bars))
    return groups


def svg(heats: list[Heat], subtitle: str) -> str:
    groups = groups_of(heats)
    values = [value for _, bars in groups for _, value in bars] or [10]
    low, high = min(0, math.floor(math.log10(min(values)))), max(1, math.ceil(math.log10(max(values))))
    rivals = list(dict.fromkeys(name for _, bars in groups for name, _ in bars))
    color = {name: COLORS[i % len(COLORS)] for i, name in enumerate(rivals)}
    height = TOP + sum(len(bars) * BAR + GAP for _, bars in groups) + 30

    def x(value: float) -> float:
        return LEFT + (math.log10(value) - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    bottom = height - 26
    parts = ['<text class="title" x="12" y="22">Time relative to Rondo (1 = Rondo, longer bars are slower)</text>',
             f'<text class="small" x="12" y="40">{escape(subtitle)}</text>']
    for power in range(low, high + 1):
        at, label = x(10.0**power), f"{10.0**power:,g}" if power < 0 else f"{10**power:,}"
        parts.append(f'<line class="{"one" if power == 0 else "grid"}" x1="{at:.1f}" y1="{TOP - 12}" x2="{at:.1f}" '
                     f'y2="{bottom}"/><text class="small" x="{at:.1f}" y="{bottom + 16}" text-anchor="middle">'
                     f'{label}</text>')
    y = TOP
    for name, bars in groups:
        parts.append(f'<text class="row" x="12" y="{y + 11}">{escape(name)}</text>')
        for rival, value in bars:
            begin, end = sorted((x(1), x(value)))
            label = f"{value:.3g}" if value < 1000 else f"{value:,.0f}"
            parts.append(f'<text class="small" x="{LEFT - 6}" y="{y + 11}" text-anchor="end">{escape(rival)}</text>'
                         f'<rect x="{begin:.1f}" y="{y + 1}" width="{max(end - begin, 1):.1f}" height="{BAR - 2}" '
                         f'fill="{color[rival]}"/>'
                         f'<text class="small" x="{end + 4:.1f}" y="{y + 11}">{label}</text>')
            y += BAR
        y += GAP
    body = "\n  ".join(parts)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
            f'viewBox="0 0 {WIDTH} {height}" role="img" aria-label="Time relative to Rondo">\n'
            f'  <style>{STYLE}  </style>\n  {body}\n</svg>\n')
