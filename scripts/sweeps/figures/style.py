"""The look of every figure, and the one way a figure is written: the same bytes for the same files.

Sizes are printed sizes: 3.4 inches for one column of a paper, 7 for two. No text is smaller than 7 pt. Colours are
told apart with any colour vision and in grey print, and never carry a meaning alone: a label or a shape says it too.
"""

from __future__ import annotations

import io
import re
import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontEntry, fontManager, get_font
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from sweeps.digests import write_atomically

SINGLE = 3.4
DOUBLE = 7.0
TALLEST = 9.0
"""Widths of one and of two columns and the height of a page, in inches."""
DPI = 200
SMALL = 7.0
"""The smallest text, in points."""
FONT = "Sweep Lineage Sans"
"""The DejaVu Sans that ships with matplotlib, under a name that no font of the system can answer to."""

INK = "#1a1a1a"
MUTED = "#6b6b6b"
RULE = "#d4d4d4"
FAINT = "#b4b4b4"
TRIAL = "#5b8fc2"
ELITE = "#b3360a"
FAILED = "#7a1f5c"
BASELINE = "#6b6b6b"
NEW_RANGE = "#f3d9a4"

ACTIONS = {"FIX": "#26224f", "NARROW": "#0072b2", "BIAS": "#b5679a", "EXPAND": "#e69f00", "KEEP": "#b9b9b9"}
"""Colour of a decision: Okabe and Ito's, with lightness in steps for grey print."""
CONFIDENCE = {"HIGH": 0.9, "MODERATE": 0.55, "LOW": 0.28}
"""Opacity of a confidence."""
DOTS = {"HIGH": "●●●", "MODERATE": "●●○", "LOW": "●○○"}

RC: dict[str, Any] = {
    "font.family": [FONT],
    "font.size": SMALL,
    "axes.titlesize": 8.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": SMALL,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "legend.fontsize": SMALL,
    "figure.titlesize": 8.5,
    "figure.dpi": DPI,
    "savefig.dpi": DPI,
    "pdf.fonttype": 42,
    "pdf.compression": 6,
    "svg.hashsalt": "sweep-lineage",
    "text.parse_math": False,
    "text.usetex": False,
    "axes.unicode_minus": True,
    "axes.formatter.use_locale": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.6,
    "axes.labelcolor": INK,
    "axes.axisbelow": True,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "lines.linewidth": 1.2,
    "legend.frameon": False,
    "legend.handlelength": 1.4,
    "legend.borderaxespad": 0.2,
    "hatch.linewidth": 0.5,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "image.cmap": "cividis",
    "image.interpolation": "nearest",
}


@dataclass(frozen=True)
class Rendered:
    """One figure as files."""

    pdf: bytes
    png: bytes


@contextmanager
def drawing() -> Iterator[None]:
    """Draw inside this: the project's settings only, whatever the user's own matplotlibrc says."""
    _register_fonts()
    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(RC)
        yield


def _register_fonts() -> None:
    if any(entry.name == FONT for entry in fontManager.ttflist):
        return
    for file, weight in (("DejaVuSans.ttf", 400), ("DejaVuSans-Bold.ttf", 700)):
        fontManager.ttflist.append(
            FontEntry(
                fname=str(_font_file(file)),
                name=FONT,
                style="normal",
                variant="normal",
                weight=weight,
                stretch="normal",
                size="scalable",
            )
        )


def new_figure(width: float, height: float, *, constrained: bool = True) -> Figure:
    """A figure of a printed size in inches, with the canvas that draws it without a screen."""
    figure = Figure(figsize=(width, height), layout="constrained" if constrained else None)
    FigureCanvasAgg(figure)
    if constrained:
        figure.get_layout_engine().set(w_pad=0.03, h_pad=0.03, wspace=0.02, hspace=0.02)
    return figure


def most_rows(inches: float, margin: float = 0.9) -> int:
    """How many rows of a height fit on a page."""
    return int((TALLEST - margin) / inches)


def render(figure: Figure, *, title: str, source: str) -> Rendered:
    """A figure as PDF and PNG. ``source`` (the digests of the tables it shows) goes into the metadata; no date does."""
    pdf, png = io.BytesIO(), io.BytesIO()
    figure.savefig(png, format="png", metadata={"Software": None})
    figure.set_layout_engine("none")
    metadata = {"Title": title, "Subject": source, "Creator": "Sweep Lineage", "Producer": "matplotlib"}
    figure.savefig(pdf, format="pdf", metadata=metadata | {"CreationDate": None, "ModDate": None})
    return Rendered(_settle_font_names(pdf.getvalue()), _few_colours(png.getvalue(), title, source))


def _few_colours(png: bytes, title: str, source: str) -> bytes:
    """The same picture with a palette: a third of the bytes, on a page that carries all of them."""
    info = PngInfo()
    for key, text in (("Title", title), ("Description", source), ("Software", "Sweep Lineage")):
        info.add_text(key, text) if text.isascii() else info.add_itxt(key, text)
    out = io.BytesIO()
    with Image.open(io.BytesIO(png)) as picture:
        flat = picture.convert("RGB").quantize(255, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        flat.save(out, format="PNG", pnginfo=info, dpi=(DPI, DPI), optimize=True)
    return out.getvalue()


def _settle_font_names(pdf: bytes) -> bytes:
    """Name embedded font subsets in order of appearance: matplotlib names them by Python's salted hash."""
    names: dict[bytes, bytes] = {}

    def settled(match: re.Match[bytes]) -> bytes:
        number = len(names)
        tag = names.setdefault(match[2], bytes((65, 65, 65, 65, 65 + number // 26, 65 + number % 26)))
        return match[1] + tag[-len(match[2]) :] + b"+"

    return re.sub(rb"(/(?:FontName|BaseFont) /)([A-Z]{1,6})\+", settled, pdf)


def write(rendered: Rendered, pdf: str | Path | None, png: str | Path | None) -> None:
    """Write the files that are asked for."""
    if pdf:
        write_atomically(pdf, rendered.pdf)
    if png:
        write_atomically(png, rendered.png)


def version_colours(count: int) -> list[Any]:
    """One colour a version, from light to dark."""
    from matplotlib import colormaps

    steps = [0.1] if count == 1 else [0.78 - 0.68 * index / (count - 1) for index in range(count)]
    return [colormaps["cividis"](step) for step in steps]


def readable(value: object, limit: int = 24) -> str:
    """Any text in one line of at most ``limit`` characters: no control characters, the middle left out."""
    raw = str(value)
    text = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in raw)
    text = " ".join(text.split()) or "(empty)"
    if len(text) <= limit:
        return text
    tail = (limit - 1) // 3
    return text[: limit - 1 - tail] + "…" + text[len(text) - tail :]


def fit(value: object, inches: float, size: float = SMALL, *, bold: bool = False) -> str:
    """Any text in one line that is no wider than ``inches`` when printed, the middle left out."""
    limit = 120
    while limit > 4 and printed_width(text := readable(value, limit), size, bold=bold) > inches:
        limit = min(limit - 1, len(text) - 1)
    return readable(value, limit)


def printed_width(text: str, size: float = SMALL, *, bold: bool = False) -> float:
    """Width of a text in inches."""
    font = get_font(str(_font_file("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf")))
    font.set_size(size, 72.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        font.set_text(text, 0.0)
    return font.get_width_height()[0] / 64 / 72


def _font_file(name: str) -> Path:
    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name


def number(value: Any, digits: int = 2) -> str:
    """A value as short text: ``3e-4``, ``0.05``, ``512``, ``true``."""
    if isinstance(value, bool) or type(value).__name__ == "bool_":
        return "true" if value else "false"
    if not isinstance(value, int | float):
        try:
            value = float(value)
        except (TypeError, ValueError):
            return readable(value)
    if value != value:
        return "–"
    if value == 0:
        return "0"
    if abs(value) >= 1e5 or abs(value) < 1e-3:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
        return f"{mantissa}e{int(exponent)}".replace("-", "−")
    if float(value).is_integer():
        return f"{int(value)}".replace("-", "−")
    return f"{value:.{max(digits, len(str(int(abs(value)))))}g}".replace("-", "−")


def value_text(value: Any, limit: int = 14) -> str:
    """A choice or number of a parameter as short text."""
    return readable(value, limit) if isinstance(value, str) else number(value, 3)


def spread(slot: int) -> float:
    """A fixed place in [-0.5, 0.5) for a slot, evenly spread: a jitter that never changes (golden ratio)."""
    return (slot * 0.6180339887498949 + 0.5) % 1.0 - 0.5
