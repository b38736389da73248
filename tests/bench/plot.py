"""Plots as SVG, by hand: bars in groups and lines, both with a logarithmic axis of values."""
import html
import math

WIDTH, HEIGHT = 960, 480
LEFT, RIGHT, TOP, BOTTOM = 78, 190, 48, 62
COLOURS = ("#1b6ca8", "#d1495b", "#2e933c", "#edae49", "#6a4c93", "#00798c", "#8d6a4f", "#737373", "#e07be0", "#30343f")
STYLE = "font-family:sans-serif;font-size:12px"


def text(x, y, words, anchor="middle", size=12, colour="#222"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}">'
            f"{html.escape(str(words))}</text>")


def line(x1, y1, x2, y2, colour="#ddd", width=1):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"/>'


def tick_label(value):
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


class LogAxis:
    """Maps values to pixels between `begin` and `end`, by decades."""

    def __init__(self, values, begin, end, whole_decades=True):
        low, high = math.log10(min(values)), math.log10(max(values))
        if whole_decades or low == high:
            low, high = math.floor(low), math.ceil(high - 1e-9)
        self.low, self.high = low, max(high, low + 1e-9)
        self.begin, self.end = begin, end

    def __call__(self, value):
        return self.begin + (self.end - self.begin) * (math.log10(value) - self.low) / (self.high - self.low)

    def decades(self):
        return [10.0 ** power for power in range(math.ceil(self.low - 1e-9), math.floor(self.high + 1e-9) + 1)]


def frame(title, parts, y_axis, y_label):
    grid = []
    for value in y_axis.decades():
        grid.append(line(LEFT, y_axis(value), WIDTH - RIGHT, y_axis(value)))
        grid.append(text(LEFT - 8, y_axis(value) + 4, tick_label(value), "end"))
    middle = (TOP + HEIGHT - BOTTOM) / 2
    label = (f'<text transform="translate(18 {middle:.0f}) rotate(-90)" text-anchor="middle" font-size="12" fill="#222">'
             f"{html.escape(y_label)}</text>")
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" style="{STYLE}">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>', text(LEFT, 26, title, "start", 15), *grid, label, *parts,
        "</svg>", ""])


def legend(names):
    parts = []
    for i, name in enumerate(names):
        y = TOP + 10 + 20 * i
        parts.append(f'<rect x="{WIDTH - RIGHT + 16}" y="{y - 9}" width="12" height="12" fill="{COLOURS[i % len(COLOURS)]}"/>')
        parts.append(text(WIDTH - RIGHT + 34, y + 2, name, "start"))
    return parts


def bars(title, groups, series, y_label):
    """`series`: name -> list of (value, low, high) or None, one for each of `groups`; low and high may be None."""
    values = [value for points in series.values() for point in points if point for value in point if value]
    if not values:
        return None
    y_axis = LogAxis([0.9 * min(values), *values], HEIGHT - BOTTOM, TOP)  # the least value is a bar, too
    room = (WIDTH - LEFT - RIGHT) / len(groups)
    width = 0.86 * room / len(series)
    parts = legend(series)
    for g, group in enumerate(groups):
        parts.append(text(LEFT + room * (g + 0.5), HEIGHT - BOTTOM + 22, group))
        for i, points in enumerate(series.values()):
            if points[g]:
                x = LEFT + room * (g + 0.07) + width * i
                parts += _bar(x, width, y_axis, points[g], COLOURS[i % len(COLOURS)])
    return frame(title, parts, y_axis, y_label)


def _bar(x, width, y_axis, point, colour):
    value, low, high = point
    top = y_axis(value)
    parts = [f'<rect x="{x:.1f}" y="{top:.1f}" width="{width - 1:.1f}" height="{y_axis.begin - top:.1f}" fill="{colour}"/>']
    if low and high:
        parts.append(line(x + width / 2, y_axis(low), x + width / 2, y_axis(high), "#111", 1.5))
    return parts


def lines(title, series, x_label, y_label):
    """`series`: name -> list of (x, y), all above 0."""
    points = [point for found in series.values() for point in found]
    if not points:
        return None
    x_axis = LogAxis([x for x, _ in points], LEFT, WIDTH - RIGHT, whole_decades=False)
    y_axis = LogAxis([y for _, y in points], HEIGHT - BOTTOM, TOP)
    parts = legend(series)
    for value in sorted({x for x, _ in points}):
        parts.append(text(x_axis(value), HEIGHT - BOTTOM + 20, tick_label(value)))
    parts.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - BOTTOM + 44, x_label))
    for i, found in enumerate(series.values()):
        colour = COLOURS[i % len(COLOURS)]
        path = " ".join(f"{x_axis(x):.1f},{y_axis(y):.1f}" for x, y in sorted(found))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x_axis(x):.1f}" cy="{y_axis(y):.1f}" r="3.5" fill="{colour}"/>' for x, y in found]
    return frame(title, parts, y_axis, y_label)
