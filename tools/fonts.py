"""Makes `templates/fonts/` from the packages named in its README: cuts each family to the letters an invoice meets,
and writes down which letters are there. Run by hand when a family changes; never at build or run time, and it fetches
nothing itself.

    python tools/fonts.py FOLDER      (FOLDER holds the packages, unpacked)
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

from fontTools import merge, subset
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont, newTable

TARGET = Path(__file__).resolve().parents[1] / "templates" / "fonts"
LETTERS = (
    "NotoSans-Regular.ttf NotoSansHebrew-Regular.ttf NotoSansHebrew-SemiBold.ttf NotoSansArabic-Regular.ttf "
    "NotoSansArabic-SemiBold.ttf NotoSansDevanagari-Regular.ttf NotoSansThai-Regular.ttf NotoSansArmenian-Regular.ttf "
    "NotoSansGeorgian-Regular.ttf NotoSansSymbols-Regular.ttf NotoSansSymbols2-Regular.ttf"
).split()
"""Taken whole but for hints and what only a browser or an editor needs."""
UNTOUCHED = (
    "SourceSans3-Regular.ttf",
    "SourceSans3-Semibold.ttf",
    "LiberationSans-Regular.ttf",
    "LiberationSans-Bold.ttf",
)
"""Their licences reserve the names: a changed font would need another."""
CHINESE = "NotoSansCJK-Regular.ttc"
_FACE = 2  # of the collection: simplified Chinese
_CODECS = ("gb2312", "euc_jp", "big5", "euc_kr")
_BIG5_COMMON = 0xC6  # lead byte at which its first level, the common letters, ends
_LATIN_END = 0x2E00  # below it the families above are better


def main(sources: Path) -> None:
    TARGET.mkdir(exist_ok=True)
    for name in UNTOUCHED:
        shutil.copyfile(_find(sources, name), TARGET / name)
    for name in LETTERS:
        _save(_cut(TTFont(_find(sources, name), recalcTimestamp=False)), TARGET / name)
    chinese = TTFont(_find(sources, CHINESE), fontNumber=_FACE, recalcTimestamp=False)
    _save(_true_type(_cut(chinese, set(_east_asian()))), TARGET / "NotoSansCJKsc-Regular.ttf")
    _save(_cut(_emoji(sources)), TARGET / "NotoEmoji-Regular.ttf")
    _write_letters()


def _write_letters() -> None:
    """`letters.txt`: one font a line, its letters as ranges; `adapters/documents/glyphs.py` reads it."""
    with (TARGET / "letters.txt").open("w", encoding="ascii") as file:
        for path in sorted(TARGET.glob("*.ttf")):
            if path.name.startswith("Liberation"):
                continue  # sets nothing but the Swiss payment part, which has letters of its own
            file.write(f"{path.stem}: {' '.join(_ranges(sorted(TTFont(path).getBestCmap())))}\n")


def _ranges(letters: list[int]) -> Iterator[str]:
    for _, group in groupby(enumerate(letters), lambda item: item[1] - item[0]):
        span = [letter for _, letter in group]
        yield f"{span[0]:x}-{span[-1]:x}" if len(span) > 1 else f"{span[0]:x}"


def _find(sources: Path, name: str) -> Path:
    found = sorted(sources.rglob(name))
    if not found:
        raise SystemExit(f"{name} is not under {sources}: see templates/fonts/README.md")
    return found[0]


def _east_asian() -> Iterator[int]:
    """The letters of GB 2312, JIS X 0208, Big5 (level 1) and KS X 1001, all Hangul and the full-width forms."""
    for high in range(0xA1, 0xFF):
        for low in range(0x40, 0xFF):
            for codec in _CODECS:
                text = bytes((high, low)).decode(codec, errors="ignore")
                rare = codec == "big5" and high > _BIG5_COMMON
                if len(text) == 1 and ord(text) >= _LATIN_END and not rare:
                    yield ord(text)
    yield from range(0x3000, 0x3100)
    yield from range(0xAC00, 0xD7A4)
    yield from range(0xFF00, 0xFFF0)


def _emoji(sources: Path) -> TTFont:
    """The monochrome family is published in slices by letter; put together again."""
    slices = sorted(sources.rglob("noto-emoji-*-400-normal.woff2"))
    with TemporaryDirectory() as folder:
        plain = []
        for number, path in enumerate(slices):
            font = TTFont(path)
            font.flavor = None
            font.save(Path(folder) / f"{number}.ttf")
            plain.append(f"{folder}/{number}.ttf")
        return merge.Merger().merge(plain)


def _cut(font: TTFont, letters: Iterable[int] | None = None) -> TTFont:
    options = subset.Options(
        hinting=False, notdef_outline=True, name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14, 16, 17], layout_features=["*"],
        drop_tables=["DSIG", "BASE", "JSTF", "STAT", "meta", "VORG", "vhea", "vmtx"], legacy_kern=False,
        glyph_names=False, recalc_timestamp=False,
    )  # fmt: skip
    if letters is not None:
        options.layout_features = ["ccmp", "locl", "mark", "mkmk", "ljmo", "vjmo", "tjmo"]
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=set(font.getBestCmap()) & set(letters or font.getBestCmap()))
    subsetter.subset(font)
    return font


def _true_type(font: TTFont) -> TTFont:
    """With quadratic outlines: a judge of PDF/A reads the widths of cubic ones that are keyed by CID as 0."""
    glyphs = font.getGlyphSet()
    outlines = {}
    for name in font.getGlyphOrder():
        pen = TTGlyphPen(None)
        glyphs[name].draw(Cu2QuPen(pen, max_err=3, reverse_direction=True))
        outlines[name] = pen.glyph()
    font["glyf"] = glyf = newTable("glyf")
    glyf.glyphOrder, glyf.glyphs = font.getGlyphOrder(), outlines
    font["loca"] = newTable("loca")
    del font["CFF "]
    for name in outlines:
        font["hmtx"][name] = (font["hmtx"][name][0], getattr(glyf[name], "xMin", 0))
    head = font["maxp"]
    head.tableVersion, head.maxZones, head.numGlyphs = 0x00010000, 1, len(outlines)
    for field in (
        "maxTwilightPoints maxStorage maxFunctionDefs maxInstructionDefs maxStackElements maxSizeOfInstructions "
        "maxComponentElements maxPoints maxContours maxCompositePoints maxCompositeContours maxComponentDepth"
    ).split():
        setattr(head, field, 0)
    font["post"].formatType = 3.0
    font.sfntVersion = "\000\001\000\000"
    return font


def _save(font: TTFont, path: Path) -> None:
    font.save(path, reorderTables=False)
    sys.stdout.write(f"{path.name}: {len(font.getBestCmap())} letters, {path.stat().st_size // 1024} kB\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
