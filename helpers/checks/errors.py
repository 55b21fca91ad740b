"""What an exception of the learner's function was: its kind, its words, and the expression in which it arose."""

import ast
import functools
import linecache
import sysconfig
import traceback

from .packs import Outcome

_LONGEST = 500  # characters of an error's words


def failed(error):
    """Return the `packs.Outcome` of an exception: the nearest kind that is built in, its words, where it arose."""
    kind = next(one for one in type(error).__mro__ if one.__module__ == "builtins")
    said = getattr(error, "learner_said", None)
    place = getattr(error, "learner_place", None)
    line = getattr(error, "learner_line", None)
    own = error.__traceback__ and error.__traceback__.tb_next
    return Outcome(
        None,
        raised=kind.__name__,
        said=str(error)[:_LONGEST] if said is None else said,
        place=place_of(error) if place is None else place,
        line=line or (own and own.tb_lineno),
    )


def place_of(error):
    """Return the kind of expression that failed, such as ``"Call max"``, in the deepest line that is no library's."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not _is_library(frame.filename)]
    return _kind(_expression(frames[-1])) if frames else ""


@functools.cache
def _libraries():
    paths = sysconfig.get_paths()
    return tuple({paths["stdlib"], paths["platstdlib"], paths["purelib"], paths["platlib"]})


def _is_library(filename):
    return filename.startswith(_libraries()) or filename.startswith("<__array")


def _expression(frame):
    """Return the source of what failed in a frame of a traceback; empty if it is not known."""
    if None in (frame.lineno, frame.end_lineno, frame.colno, frame.end_colno):
        return ""
    lines = [linecache.getline(frame.filename, number) for number in range(frame.lineno, frame.end_lineno + 1)]
    if not all(lines):
        return ""
    as_bytes = [line.encode() for line in lines]  # columns count bytes
    as_bytes[-1] = as_bytes[-1][: frame.end_colno]
    as_bytes[0] = as_bytes[0][frame.colno :]
    return b"".join(as_bytes).decode(errors="replace")


def _kind(source):
    try:
        node = ast.parse(f"({source})", mode="eval").body
    except SyntaxError:
        return source.split(maxsplit=1)[0][:20] if source else ""
    name = type(node).__name__
    if isinstance(node, ast.Call):
        return f"{name} {getattr(node.func, 'attr', getattr(node.func, 'id', ''))}"
    if isinstance(node, ast.Attribute):
        return f"{name} {node.attr}"
    if isinstance(node, (ast.BinOp, ast.UnaryOp)):
        return f"{name} {type(node.op).__name__}"
    return name
