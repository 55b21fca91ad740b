"""Interactive pictures: a figure that is drawn again when a control moves, with a sentence that says what it shows."""

import base64
import html
import io
import os
import sys
import time

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image
from tqdm.auto import tqdm

__all__ = ["LiveFigure", "for_screen_readers", "progress"]

#: Seconds after which a loop shows its progress; tests set it to inf, since a bar comes on slow machines only.
BAR_AFTER = float(os.environ.get("COURSE_BAR_AFTER", "2"))

#: ipywidgets gives sliders and pictures no name, and screen readers announce a change only in an element that stays.
_SCRIPT = """
<script>
if (!window.courseWidgets) {
  const mend = () => {
    for (const handle of document.querySelectorAll(".widget-slider [role=slider]:not([aria-label])")) {
      const slider = handle.closest(".widget-slider"), number = slider.querySelector(".widget-readout");
      const name = slider.querySelector(".widget-label").textContent;
      handle.setAttribute("aria-label", name);
      number?.setAttribute("role", "textbox");
      number?.setAttribute("aria-label", name);
    }
    for (const image of document.querySelectorAll("img.widget-image:not([alt])")) {
      image.alt = "Picture; the text next to it says what it shows";
    }
    for (const sentence of document.querySelectorAll(".widget-html-content > [role=status]")) {
      sentence.parentNode.setAttribute("role", "status");
      sentence.removeAttribute("role");
    }
  };
  window.courseWidgets = new MutationObserver(mend);
  window.courseWidgets.observe(document.body, {childList: true, subtree: true});
  mend();
}
</script>
"""


def for_screen_readers():
    """Return an invisible widget that makes all widgets of its page readable: put it among the children of yours.

    It names sliders by their descriptions and points from pictures to the text next to them; and what stands in an
    `ipywidgets.HTML` in an element with ``role="status"`` is announced whenever it changes.
    """
    script = {"output_type": "display_data", "data": {"text/html": _SCRIPT}, "metadata": {}}
    return ipywidgets.Output(outputs=(script,), layout={"display": "none"})


class LiveFigure(ipywidgets.VBox):
    """A figure with controls. It answers within 0.1 s: the same figure is changed and drawn, never made anew.

    Artists that were made with ``animated=True`` (Matplotlib's word for it) are drawn over a picture of all others,
    which is taken once; that is five times as fast. Without such artists the whole figure is drawn each time.
    On pages without a kernel it shows as the picture of its first state.

    It can be used with the keyboard alone: Tab goes to a control, arrow keys move it. A screen reader says the name of
    each control, and the sentence whenever it changes.

    Parameters
    ----------
    figure : Figure
        Drawn once by the caller; it should be small, about 7 by 3.5 inches at 100 dpi.
    update : callable
        ``update(**values)`` gets the values of the controls by name, changes the artists of the figure, and returns one
        sentence that says what the picture shows now.
    controls : ipywidgets by name
        Sliders and the like, with a ``description``.

    Raises
    ------
    ValueError
        If a control has no description.
    """

    def __init__(self, figure, update, **controls):
        plt.close(figure)  # so that the notebook does not show it a second time
        self._canvas = FigureCanvasAgg(figure)
        self._canvas.draw()
        self._moving = figure.findobj(lambda artist: artist.get_animated())
        self._background = self._canvas.copy_from_bbox(figure.bbox)
        self._update, self.controls = update, controls
        self._image = ipywidgets.Image(format="png", layout={"max_width": "100%", "object_fit": "contain"})
        self._caption = ipywidgets.HTML()
        for name, control in controls.items():
            if not control.description:
                raise ValueError(f"The control {name!r} needs a description: screen readers say it.")
            control.tooltip = control.tooltip or control.description  # without one, pages show "null"
            control.style.description_width = "9em"
            control.layout.width = control.layout.width or "min(30em, 100%)"
            control.observe(self._redraw, names="value")
        super().__init__([for_screen_readers(), *controls.values(), self._image, self._caption])
        self._redraw()

    def _redraw(self, _=None):
        sentence = self._update(**{name: control.value for name, control in self.controls.items()})
        if self._moving:
            self._canvas.restore_region(self._background)
            for artist in self._moving:
                artist.axes.draw_artist(artist)
        else:
            self._canvas.draw()
        buffer = io.BytesIO()
        # Pillow with little compression is quicker than savefig.
        Image.fromarray(np.asarray(self._canvas.buffer_rgba())).save(buffer, "png", compress_level=1)
        self._image.value = buffer.getvalue()
        self._caption.value = f'<div role="status">{html.escape(sentence)}</div>'

    def _repr_mimebundle_(self, **kwargs):
        data = super()._repr_mimebundle_(**kwargs)
        data = dict(data[0] if isinstance(data, tuple) else data)
        data["text/plain"] = "An interactive picture; run the cell to move its controls."
        data["image/png"] = base64.b64encode(self._image.value).decode()
        return data


def progress(iterable, total=None, desc=None):
    """Yield the items of `iterable`; a loop over it shows a progress bar once it has taken two seconds.

    The bar is made only then: a notebook's bar sends a dozen messages to the browser, and checks call short trainings
    hundreds of times.

    Parameters
    ----------
    iterable : iterable
    total : int, optional
        How many items there are, if `iterable` has no length.
    desc : str, optional
        What the loop does, such as "training".
    """
    total = len(iterable) if total is None and hasattr(iterable, "__len__") else total
    begin, bar = time.monotonic(), None
    try:
        for i, item in enumerate(iterable):
            if bar is None and time.monotonic() - begin > BAR_AFTER:
                # On stdout: nbgrader takes anything on stderr for a failure.
                bar = tqdm(total=total, desc=desc, initial=i, leave=False, file=sys.stdout)
            yield item
            if bar is not None:
                bar.update()
    finally:
        if bar is not None:
            bar.close()
