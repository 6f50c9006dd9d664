"""The layout in inches that some figures still have; it goes when the last of them is converted."""

import textwrap

from matplotlib.axes import Axes
from matplotlib.figure import Figure

CAPTION_SIZE = 7
CAPTION_LINE = 0.135  # inches
CAPTION_CHARACTER = 0.0535
LEGEND_ROW, LEGEND_CHARACTER = 0.17, 0.066  # inches


class Page:
    """A figure with a caption; axes are placed in inches from the top left corner."""

    def __init__(self, width: float, height: float, caption: str):
        """width, height: inches; the height without the caption."""
        lines = textwrap.wrap(caption, int((width - 0.4) / CAPTION_CHARACTER))
        self.width = width
        self.height = height + 0.25 + CAPTION_LINE * len(lines)
        self.figure = Figure(figsize=(width, self.height))
        self.figure.text(
            0.2 / width,
            0.1 / self.height,
            "\n".join(lines),
            fontsize=CAPTION_SIZE,
            color="#444444",
            va="bottom",
            linespacing=1.3,
        )

    def axes(self, left: float, top: float, width: float, height: float, **keys) -> Axes:
        """Axes with their upper left corner at (left, top)."""
        box = [
            left / self.width,
            1 - (top + height) / self.height,
            width / self.width,
            height / self.height,
        ]
        return self.figure.add_axes(box, **keys)

    def text(self, left: float, top: float, words: str, **keys) -> None:
        """Text with its upper edge at `top`."""
        keys = {"va": "top", "ha": "left", **keys}
        self.figure.text(left / self.width, 1 - top / self.height, words, **keys)

    def legend(self, handles: list, left: float, top: float) -> None:
        """A legend with its upper left corner at (left, top); see `legend_height`."""
        columns = _legend_columns(handles, self.width)
        self.figure.legend(
            handles=handles,
            loc="upper left",
            bbox_to_anchor=(left / self.width, 1 - top / self.height),
            ncols=columns,
            borderaxespad=0,
            columnspacing=1.6,
            handlelength=2.4,
        )


def legend_height(handles: list, width: float) -> float:
    """Height of a legend beyond its first row, in inches, on a page of that width."""
    rows = -(-len(handles) // _legend_columns(handles, width))
    return LEGEND_ROW * max(rows - 1, 0)


def _legend_columns(handles: list, width: float) -> int:
    widest = max((len(handle.get_label()) for handle in handles), default=1)
    return max(1, min(len(handles), int((width - 0.3) / (0.62 + LEGEND_CHARACTER * widest))))
