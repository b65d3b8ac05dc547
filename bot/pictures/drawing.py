"""The picture of a trend by matplotlib, whose object interface keeps no state between pictures.

Slack shows it on white or on near-black, at less than half its size: it is a card of its own, with large letters.
Failed and recovered differ by place (up, down) and hatching besides colour; the colours are those of Okabe and Ito
(jfly.uni-koeln.de/color), which colour-blind people tell apart.
"""

import io
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bot.model import Day
from bot.pictures.calendar import ceiling, course, share, tried
from bot.pictures.words import compact, headline, short

INCHES, DPI = (6.0, 4.0), 160  # 960 × 640 pixels
CARD, EDGE, INK, FAINT, LINES, IDLE = "#ffffff", "#c8c8c8", "#1d1c1d", "#616061", "#dddddd", "#e8e8e8"
FAILED, RECOVERED, SHARE = "#d55e00", "#0072b2", "#1d1c1d"
LARGE, PLAIN, SMALL = 13, 10, 8
LETTERS = 46  # of the large size in a headline
ROOMY = 16  # days up to which each bar has its number
APART = 2  # days between two numbers beyond that
SO_FAR = 0.45  # how much colour a day has that is not over


def trend(days: Sequence[Day]) -> bytes:
    """A PNG of these days: oldest first, each there, the last one not over."""
    file = io.BytesIO()
    draw(days).savefig(file, format="png")
    return file.getvalue()


def draw(days: Sequence[Day]) -> Figure:
    figure = Figure(figsize=INCHES, dpi=DPI, facecolor=CARD)
    FigureCanvasAgg(figure)  # the figure is drawn by it from now on
    grid = figure.add_gridspec(2, 1, height_ratios=(2.4, 1), left=0.1, right=0.93, top=0.78, bottom=0.14, hspace=0.24)
    counts = figure.add_subplot(grid[0])
    shares = figure.add_subplot(grid[1], sharex=counts)
    for axes in (counts, shares):
        _plain(axes)
        _idle(axes, days)
    _counts(counts, days)
    _shares(shares, days)
    _dates(shares, days)
    _headline(figure, days)
    figure.add_artist(Rectangle((0, 0), 1, 1, transform=figure.transFigure, fill=False, edgecolor=EDGE, linewidth=2))
    return figure


def _plain(axes: Axes) -> None:
    axes.set_facecolor(CARD)
    axes.tick_params(colors=FAINT, labelsize=PLAIN, length=0)
    axes.grid(axis="y", color=LINES, linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)


def _idle(axes: Axes, days: Sequence[Day]) -> None:
    for place, day in enumerate(days):
        if not tried(day):
            axes.axvspan(place - 0.5, place + 0.5, color=IDLE, linewidth=0, zorder=0)


def _headline(figure: Figure, days: Sequence[Day]) -> None:
    found = course(days)
    told = f"{headline(days)} · {found.words.lower()}" if found else headline(days)
    size = LARGE * min(1, LETTERS / len(told))
    figure.text(0.035, 0.93, told, fontsize=size, color=INK, weight="bold", va="center")
    figure.legend(
        handles=_legend(days),
        loc="center left",
        bbox_to_anchor=(0.02, 0.85),
        ncols=3,
        frameon=False,
        fontsize=PLAIN,
        labelcolor=INK,
        handlelength=1.2,
        columnspacing=1.4,
    )


def _legend(days: Sequence[Day]) -> list[Patch]:
    found = [
        Patch(facecolor=FAILED, label="failed ▲"),
        Patch(facecolor=RECOVERED, edgecolor=CARD, hatch="////", label="recovered ▼"),
    ]
    return [*found, *([] if all(map(tried, days)) else [Patch(facecolor=IDLE, label="no attempts")])]


# ---------------------------------------------------------------- failed and recovered


def _counts(axes: Axes, days: Sequence[Day]) -> None:
    top = max(ceiling([day.failed for day in days]), ceiling([day.recovered for day in days]))
    for counts, sign in (([day.failed for day in days], 1), ([day.recovered for day in days], -1)):
        for place, count in enumerate(counts):
            _bar(axes, place, count, sign, top, SO_FAR if place == len(days) - 1 else 1)
        for place in _numbered(counts, top, highest=sign > 0):
            _number(axes, place, counts[place], sign, top)
    axes.axhline(0, color=INK, linewidth=1)
    deepest = min(top * 1.12, max(day.recovered for day in days))
    highest = min(top * 1.12, max(*(day.failed for day in days), top * 0.3, 1))
    axes.set_ylim(-deepest - top * 0.16, highest + top * 0.16)
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda count, _: compact(round(abs(count)))))
    axes.tick_params(axis="x", labelbottom=False)


def _bar(axes: Axes, place: int, count: int, sign: int, top: int, faint: float) -> None:
    """A bar beyond the axis ends there, torn by a white stroke: its number tells how far it goes."""
    height = sign * min(count, top * 1.12)
    if sign > 0:
        axes.bar(place, height, 0.74, color=FAILED, alpha=faint)
    else:
        axes.bar(place, height, 0.74, color=RECOVERED, alpha=faint, hatch="////", edgecolor=CARD, linewidth=0)
    if count > top:
        at, step = sign * top * 0.9, top * 0.05
        axes.plot([place - 0.5, place + 0.5], [at - step, at + step], color=CARD, linewidth=4)


def _numbered(counts: Sequence[int], top: int, *, highest: bool) -> list[int]:
    """The days whose bars have their number: all where there is room, else the highest and those beyond the axis, of
    neighbours the higher one."""
    told = [place for place, count in enumerate(counts) if count]
    if len(counts) <= ROOMY:
        return told
    told.sort(key=lambda place: counts[place], reverse=True)
    found: list[int] = []
    for place in [*told[: int(highest)], *(place for place in told if counts[place] > top)]:
        if all(abs(place - other) >= APART for other in found):
            found.append(place)
    return found


def _number(axes: Axes, place: int, count: int, sign: int, top: int) -> None:
    height = sign * min(count, top * 1.12)
    axes.annotate(
        compact(count),
        (place, height),
        (0, sign * 2),
        textcoords="offset points",
        ha="center",
        va="bottom" if sign > 0 else "top",
        fontsize=SMALL,
        color=INK,
    )


# ---------------------------------------------------------------- success, dates


def _shares(axes: Axes, days: Sequence[Day]) -> None:
    """A line that breaks where there were no attempts."""
    found = [share(day) for day in days]
    values = [float("nan") if value is None else value for value in found]
    axes.plot(range(len(days)), values, color=SHARE, linewidth=1.6, marker="o", markersize=4, clip_on=False)
    axes.set_ylim(0, 100)
    axes.set_yticks([0, 50, 100], ["0 %", "50 %", "100 %"])
    axes.set_title("succeeded", fontsize=PLAIN, color=INK, loc="left", pad=4)


def _dates(axes: Axes, days: Sequence[Day]) -> None:
    step = 2 if len(days) <= ROOMY else 5
    places = [place for place in range(len(days)) if (len(days) - 1 - place) % step == 0]
    axes.set_xlim(-0.6, len(days) - 0.4)
    axes.set_xticks(places, [*(short(days[place].date) for place in places[:-1]), f"{short(days[-1].date)}\nso far"])
