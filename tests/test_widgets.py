"""What all interactive pictures share; each lesson's own picture is tested in tests/lessons."""

import base64
import functools
import io
import itertools
import re

import ipywidgets
import matplotlib
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image
from skimage.color import rgb2lab
from tqdm import std

from helpers import notebooks, widgets
from helpers.courses import TOP
from helpers.plots import BLUE, GREEN, ORANGE, RED
from helpers.widgets import LiveFigure, for_screen_readers, progress


def test_progress_passes_everything_on_and_makes_no_bar_when_quick(capfd, monkeypatch):
    monkeypatch.setattr(widgets, "tqdm", None)
    assert list(progress(range(5))) == [0, 1, 2, 3, 4]
    assert capfd.readouterr() == ("", "")


def test_progress_shows_a_slow_loop_and_counts_what_was_done_before_the_bar(capfd, monkeypatch):
    monkeypatch.setattr(widgets, "tqdm", functools.partial(std.tqdm, mininterval=0))
    monkeypatch.setattr(widgets, "BAR_AFTER", 2)
    clock = iter([0, 0, 1, 3, 4, 5])
    monkeypatch.setattr(widgets.time, "monotonic", lambda: next(clock))
    assert list(progress((k * k for k in range(3)), total=3, desc="training")) == [0, 1, 4]
    shown = capfd.readouterr().out
    assert "training:  67%" in shown
    assert "3/3" in shown


def figure_of(**controls):
    figure, ax = plt.subplots(figsize=(2, 1))
    (line,) = ax.plot([0, 1], [0, 0])

    def update(**values):
        line.set_ydata([0, sum(values.values())])
        return f"It shows <{sum(values.values())}>."

    return LiveFigure(figure, update, **controls)


def sentence(picture):
    return picture.children[-1].value


# --- for those who do not see it, or use no mouse ---------------------------------------------------------------------


def test_a_control_changes_picture_and_sentence():
    picture = figure_of(k=ipywidgets.IntSlider(1, 0, 5, description="k"))
    image, said = picture._repr_mimebundle_()["image/png"], sentence(picture)
    picture.controls["k"].value = 4
    assert picture._repr_mimebundle_()["image/png"] != image
    assert said == '<div role="status">It shows &lt;1&gt;.</div>'
    assert sentence(picture) == '<div role="status">It shows &lt;4&gt;.</div>'


def test_a_control_without_a_name_is_refused():
    with pytest.raises(ValueError, match="The control 'k' needs a description: screen readers say it"):
        figure_of(k=ipywidgets.IntSlider(1, 0, 5))


def test_the_page_gets_the_script_once_per_picture_and_nothing_of_it_is_seen():
    picture = figure_of(k=ipywidgets.IntSlider(1, 0, 5, description="k"))
    scripts = [child for child in picture.children if isinstance(child, ipywidgets.Output)]
    assert len(scripts) == 1
    assert scripts[0].layout.display == for_screen_readers().layout.display == "none"
    assert "text/html" not in picture._repr_mimebundle_()


@pytest.mark.parametrize("path", notebooks.sources(), ids=lambda path: path.stem)
def test_each_picture_of_a_lesson_has_words(path):
    """A figure follows a text that says what to see, an image in a text has its own, a live picture its sentence."""
    said = False
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            said = True
            for alt, target in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", cell.source):
                assert len(alt) > 20, f"{target} needs a text in the brackets that says what it shows"
            assert "<img" not in cell.source
        for output in pictures_of(cell):
            live = "interactive picture" in output.data["text/plain"]
            assert said or live, f"cell {cell.id}: put a text before it that says what one should see"
        if pictures_of(cell):
            said = False


def pictures_of(cell):
    return [output for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]


@pytest.mark.parametrize("path", notebooks.sources(), ids=lambda path: path.stem)
def test_each_picture_of_a_lesson_can_be_read_on_a_dark_page(path):
    for cell in nbformat.read(path, as_version=4).cells:
        for output in pictures_of(cell):
            image = Image.open(io.BytesIO(base64.b64decode(output.data["image/png"])))
            assert image.convert("RGBA").getextrema()[3] == (255, 255), f"cell {cell.id}: its picture is transparent"


# --- for those who see colours in another way -------------------------------------------------------------------------

#: Colours as people without one kind of cone see them, on linear RGB: Machado, Oliveira and Fernandes, "A
#: physiologically-based model for simulation of color vision deficiency", 2009, doi:10.1109/TVCG.2009.113, severity 1.
VISION = {
    "all cones": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
STYLE = matplotlib.rc_params_from_file(TOP / "helpers/plots/course.mplstyle", use_default_template=False)
PALETTE = ["#" + color.strip("#") for color in STYLE["axes.prop_cycle"].by_key()["color"]]
#: Colour maps from dark to light, or from one colour through white to another that differs for everybody.
SAFE_MAPS = {"gray", "gray_r", "Blues", "Blues_r", "Oranges", "RdBu_r", "magma", "viridis", "cividis"}
#: Darker orange, for words: orange itself is too pale to read.
DARK_ORANGE = {"#9A6A00", "#8A5A00"}
SOURCES = [
    *(path for part in ("widgets", "plots", "figures") for path in sorted((TOP / "helpers" / part).glob("*.py"))),
    *notebooks.sources(),
]


def as_seen(color, vision):
    """Return the colour's L*a*b* for somebody with this vision."""
    encoded = np.array(to_rgb(color))
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(VISION[vision]) @ linear, 0, 1)
    encoded = np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055)
    return rgb2lab(encoded[None, None])[0, 0]


def difference(one, other, vision):
    """Return the CIE 1976 colour difference; 2.3 is just noticeable side by side."""
    return float(np.linalg.norm(as_seen(one, vision) - as_seen(other, vision)))


def test_the_simulation_confuses_what_is_known_to_be_confused():
    assert difference("#FF0000", "#7F7F00", "all cones") > 50
    assert difference("#FF0000", "#5B5B00", "protanopia") < 15
    assert difference("gray", "gray", "tritanopia") == 0


def test_the_helpers_use_the_palette_of_the_style():
    assert PALETTE[:4] == [BLUE, ORANGE, GREEN, RED]


@pytest.mark.parametrize("vision", VISION)
def test_any_two_colours_of_the_palette_differ_for_everybody(vision):
    pairs = {pair: difference(*pair, vision) for pair in itertools.combinations([*PALETTE, "#FFFFFF"], 2)}
    assert min(pairs.values()) > 15, min(pairs, key=pairs.get)


@pytest.mark.parametrize("vision", VISION)
def test_the_ends_of_each_colour_map_differ_for_everybody(vision):
    for name in SAFE_MAPS:
        for low in (0.0, 0.1, 0.2):
            ends = [matplotlib.colormaps[name](place)[:3] for place in (low, 1 - low)]
            assert difference(*ends, vision) > 30, (name, low)


def code_of(path):
    if path.suffix == ".py":
        return path.read_text(encoding="utf-8")
    return "\n".join(cell.source for cell in notebooks.read(path).cells if cell.cell_type == "code")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_figures_use_the_palette_grays_and_pale_fills_alone(path):
    code = code_of(path)
    for color in re.findall(r"#[0-9a-fA-F]{6}\b", code):
        r, g, b = to_rgb(color)
        pale = as_seen(color, "all cones")[0] > 75
        assert color.upper() in {*PALETTE, *DARK_ORANGE} or r == g == b or pale, f"{color} is not of the palette"
    named = set(re.findall(r"""color=["'](\w+)["']""", code))
    assert named <= {"gray", "black", "white", "none"}, "take BLUE, ORANGE, GREEN and RED of helpers.plots"
    assert set(re.findall(r"""cmap=["'](\w+)["']""", code)) <= SAFE_MAPS
