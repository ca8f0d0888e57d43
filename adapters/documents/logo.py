"""What a seller's logo must be, and how large it is. Never loads what a picture refers to, and unpacks none before its
measures are known."""

from __future__ import annotations

import re
from base64 import b64encode
from io import BytesIO

from lxml import etree
from PIL import Image, UnidentifiedImageError

MOST_BYTES = 500_000
MOST_PIXELS = 4_000
"""A side."""

_MODES = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA"})
_DRAWN = frozenset(
    "svg g path rect circle ellipse line polyline polygon defs use symbol clipPath mask linearGradient radialGradient "
    "stop title desc metadata style".split()
)
_SVG = "http://www.w3.org/2000/svg"
_FOREIGN = re.compile(r"url\((?!\s*['\"]?#)|@import|javascript:|data:|expression\(", re.IGNORECASE)
_LENGTH = re.compile(r"\s*(\d+(?:\.\d+)?)(?:px|pt|mm|cm|in)?\s*")
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


def logo_problem(data: bytes) -> str | None:
    """Why `data` cannot be a logo, with the fix; None when it can."""
    if len(data) > MOST_BYTES:
        return f"is {len(data):,} bytes; at most {MOST_BYTES:,} are allowed"
    return _svg_problem(data) if is_svg(data) else _raster_problem(data)


def is_svg(data: bytes) -> bool:
    return data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def size(data: bytes) -> tuple[float, float]:
    """Width and height of a logo without a problem; only their proportion means something."""
    if not is_svg(data):
        with Image.open(BytesIO(data)) as picture:
            return picture.size
    return _measures(etree.fromstring(data, _PARSER)) or (1.0, 1.0)


def as_svg(data: bytes) -> str:
    """A logo without a problem as SVG: any other picture is put inside one, so that it is text."""
    if is_svg(data):
        return etree.tostring(etree.fromstring(data, _PARSER), encoding="unicode")
    width, height = size(data)
    mime = "png" if data.startswith(b"\x89PNG") else "jpeg"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="0 0 {width} {height}"><image width="{width}" height="{height}" '
        f'xlink:href="data:image/{mime};base64,{b64encode(data).decode()}"/></svg>'
    )


def _raster_problem(data: bytes) -> str | None:
    try:
        with Image.open(BytesIO(data), formats=("PNG", "JPEG")) as picture:
            width, height = picture.size
            if max(width, height) > MOST_PIXELS:
                return f"is {width} × {height} pixels; at most {MOST_PIXELS:,} a side are allowed"
            if picture.mode not in _MODES:
                return f"has the colours of {picture.mode}; save it as RGB or greyscale with 8 bits"
            picture.load()
    except UnidentifiedImageError:
        return "is neither a PNG, a JPEG nor an SVG picture"
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return "is damaged: it cannot be unpacked"
    return None


def _svg_problem(data: bytes) -> str | None:
    try:
        root = etree.fromstring(data, _PARSER)
    except etree.XMLSyntaxError:
        return "is not a well-formed SVG picture"
    if root.tag != f"{{{_SVG}}}svg":
        return "is not an SVG picture: its root is not <svg>"
    measures = _measures(root)
    if measures is None or min(measures) <= 0 or max(measures) > MOST_PIXELS:
        return f"needs a viewBox, or a width and a height, of at most {MOST_PIXELS:,} a side"
    return next(filter(None, map(_element_problem, root.iter())), None)


def _element_problem(element: etree._Element) -> str | None:
    tag: object = element.tag
    if not isinstance(tag, str):
        return None if tag is etree.Comment else "has an entity or a processing instruction; save it as plain SVG"
    namespace, _, name = tag.rpartition("}")
    if namespace != f"{{{_SVG}":
        return None  # an editor's notes to itself: nothing that is drawn
    if name not in _DRAWN:
        return f"has a <{name}>; only shapes are allowed, with text turned into paths"
    for attribute, value in element.attrib.items():
        local = str(attribute).rpartition("}")[2].lower()
        if (
            local.startswith("on")
            or (local == "href" and not str(value).startswith("#"))
            or _FOREIGN.search(str(value))
        ):
            return f"has a script or a reference to something outside in {local!r} of <{name}>"
    if name == "style" and _FOREIGN.search("".join(map(str, element.itertext()))):
        return "has a style that refers to something outside"
    return None


def _measures(root: etree._Element) -> tuple[float, float] | None:
    box = re.split(r"[\s,]+", str(root.get("viewBox", "")).strip())
    if len(box) == 4:
        found = [_LENGTH.fullmatch(each) for each in box[2:]]
    else:
        found = [_LENGTH.fullmatch(str(root.get(name, ""))) for name in ("width", "height")]
    width, height = (float(each[1]) if each else 0.0 for each in found)
    return (width, height) if width and height else None
