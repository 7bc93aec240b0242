"""Sentences and paragraphs out of public-domain Markdown and plain text.

The sources stand in `sources.txt`, one a line: repository, commit. Each is expected as a folder
with the repository's name (without its owner) below the folder that is given.
"""

import html
import random
import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
FRONT = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
FENCE = re.compile(r"^(```|~~~).*?^\1", re.DOTALL | re.MULTILINE)
SHORTCODE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{:.*?\}", re.DOTALL)
TAG = re.compile(r"<[^>]{0,300}>")
LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)|!?\[([^\]]*)\]\[[^\]]*\]")
ADDRESS = re.compile(r"https?://\S+")
MARK = re.compile(r"^[\s>#*+|-]*(\d+\.\s)?|[*_`~]{1,3}", re.MULTILINE)
SENTENCE = re.compile(r"(?<=[.!?])[\"')”’]*\s+(?=[\"'(“‘]?[A-Z0-9])")
BOOK_START = re.compile(r"\*\*\* ?START OF.*?\*\*\*")
BOOK_END = re.compile(r"\*\*\* ?END OF")
SHORTEST, LONGEST = 12, 1_200


def plain(markdown):
    text = FRONT.sub("", markdown)
    for pattern in (FENCE, SHORTCODE):
        text = pattern.sub(" ", text)
    text = LINK.sub(lambda found: found.group(1) or found.group(2) or "", text)
    text = html.unescape(TAG.sub(" ", text))
    return MARK.sub("", ADDRESS.sub(" ", text))


def book(text):
    text = BOOK_START.split(text)[-1]
    return BOOK_END.split(text)[0].replace("_", "")


def paragraphs(text):
    """What stands between blank lines, unless it is mostly numbers and signs."""
    for block in re.split(r"\n\s*\n", text):
        words = " ".join(block.split())
        if SHORTEST <= len(words) and sum(map(str.isalpha, words)) > len(words) * 0.6:
            yield words[:LONGEST]


def pieces(folder, seed=1):
    """Every sentence and every paragraph of several sentences, once, in an order that is fixed."""
    found = {}
    for line in (HERE / "sources.txt").read_text().splitlines():
        repository = line.split()[0]
        root = Path(folder) / repository.split("/")[1]
        if not root.is_dir():
            raise SystemExit(f"`{root}` is missing: check out {line}")
        names = sorted(root.rglob("*.md")) + sorted(root.glob("[0-9]*.txt"))
        for name in names:
            text = name.read_text(encoding="utf-8", errors="replace")
            text = plain(text) if name.suffix == ".md" else book(text)
            for paragraph in paragraphs(text):
                sentences = [one for one in SENTENCE.split(paragraph) if len(one) >= SHORTEST]
                found.update(dict.fromkeys(sentences))
                if len(sentences) > 1:
                    found[paragraph] = None
    result = sorted(found)
    random.Random(seed).shuffle(result)
    return result
