"""Makes `table.bin` and `golden.json`.

    distill.py TEXTS WORK

TEXTS is a folder with the checkouts that `sources.txt` lists; WORK keeps what the reference model
said, which takes a quarter of an hour, so that a second run takes a minute.

1. Each token of the vocabulary goes through all-MiniLM-L6-v2 by itself. Brought to 256 dimensions,
   those in which the model's vectors of whole texts differ most, and weighted by rarity (Zipf's law
   over the vocabulary, which is sorted by frequency), this is the plain table.
2. The table is refined until the sum over the tokens of a text points where the model's vector of
   that text points: on public-domain prose, and on made-up rows of random words, so that words that
   the prose lacks keep up with those that it has.
3. Numbers become 8-bit.
"""

import argparse
import json
import random
from pathlib import Path

import numpy as np
import scipy.sparse
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from table import Table
from teacher import Teacher
from texts import pieces

HERE = Path(__file__).resolve().parent
DIMENSIONS = 256
TOKENS_MAX = 256  # of a text, when it is embedded
TOKENS_TAUGHT = 128  # of a text, when it is learned from
FIRST_TOKEN, FIRST_WORD = 999, 1_996  # below: control tokens; single characters
RANDOM_ROWS = 15_000
HELD_OUT = 2_000
EPOCHS, BATCH, RATE = 4, 1_024, 0.003
STAY, RELATE, TEMPERATURE = 1e-4, 0.3, 0.05


def cached(path, make):
    if not path.exists():
        np.save(path, make())
    return np.load(path)


def progress(name):
    def report(done, total):
        print(f"\r{name}: {100 * done // total} %", end="\n" if done == total else "", flush=True)
    return report


def random_rows(vocabulary):
    """Rows of 2 to 12 words; without word endings, which nothing precedes here."""
    words = [row for row in range(FIRST_WORD, len(vocabulary))
             if not vocabulary[row].startswith("##")]
    choose = random.Random(2)
    return [choose.choices(words, k=choose.randint(2, 12)) for _ in range(RANDOM_ROWS)]


def counts(sequences, rows):
    """How often each token (column) is in each sequence (row)."""
    places = np.concatenate([np.asarray(one) for one in sequences])
    ends = np.cumsum([0] + [len(one) for one in sequences])
    matrix = scipy.sparse.csr_matrix(
        (np.ones(len(places), np.float32), places, ends), shape=(len(sequences), rows))
    matrix.sum_duplicates()
    return matrix


def unit(vectors):
    return vectors / (np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-9)


def softmax(scores):
    scores = np.exp((scores - scores.max(axis=1, keepdims=True)) / TEMPERATURE)
    return scores / scores.sum(axis=1, keepdims=True)


def plain(alone, projection):
    rarity = np.log(1 + np.maximum(np.arange(len(alone)) - FIRST_TOKEN + 1, 1))
    table = (alone - alone[FIRST_TOKEN:].mean(axis=0)) @ projection
    table = table * (rarity / rarity.mean())[:, None]
    table[:FIRST_TOKEN] = 0
    return table.astype(np.float32)


def slope(sums, goals):
    """Where to move the sums: towards their goals, and so that each is as near to the other goals
    of the batch as its own goal is. Length does not matter, so nothing moves along it."""
    lengths = np.linalg.norm(sums, axis=1, keepdims=True) + 1e-6
    heads = sums / lengths
    wrong = softmax(heads @ goals.T) - softmax(goals @ goals.T)
    pull = RELATE * wrong @ goals - goals
    return (pull - (pull * heads).sum(axis=1, keepdims=True) * heads) / lengths


def refine(table, matrix, goals, check):
    """Adam, with a rate that falls to nothing along a cosine; `STAY` holds on to the start."""
    start, order = table.copy(), np.random.default_rng(0)
    mean, square, step = np.zeros_like(table), np.zeros_like(table), 0
    total = EPOCHS * (matrix.shape[0] // BATCH)
    for epoch in range(EPOCHS):
        shuffled = order.permutation(matrix.shape[0])
        for first in range(0, matrix.shape[0] - BATCH + 1, BATCH):
            rows = shuffled[first : first + BATCH]
            batch = matrix[rows]
            gradient = batch.T @ slope(batch @ table, goals[rows]) * (100 / BATCH)
            gradient += STAY * (table - start)
            step += 1
            mean = 0.9 * mean + 0.1 * gradient
            square = 0.999 * square + 0.001 * gradient * gradient
            rate = RATE * 0.5 * (1 + np.cos(np.pi * step / total))
            moved = (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
            table = table - (rate * moved).astype(np.float32)
        print(f"epoch {epoch + 1} of {EPOCHS}: held-out cosine {check(table):.4f}", flush=True)
    return table


GOLDEN = [
    "My sister Ines moved to Lisbon in March.", "Where does my sister live?", "", "   ", "?!",
    "The café's naïve façade — déjà vu!", "你好世界, hello", "🙂🙂", "[MASK] [CLS] ##ing",
    "UPPER lower MiXeD", "tab\tnew\nline\r\nfeed\x0b\x0c end",
    "zero\u200bwidth \ufffd and \x00 nul",
    "x" * 101, "x" * 100, "3.14159 + 2,718 = 5.85987", "don't can't won't", "a" * 30 + "ß",
    "Ångström ǅ İstanbul ŉ", "https://example.org/a?b=c&d=e#f", "The quick brown fox. " * 80,
    "What did I say about the budget last March?", "e\u0301 combines", "ﬁ ligature ½ ²",
]


def bare(vocabulary):
    """The tokenizer without control tokens: what looks like one in a text is text."""
    rows = {token: row for row, token in enumerate(vocabulary)}
    tokenizer = Tokenizer(models.WordPiece(rows, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("texts", type=Path)
    arguments.add_argument("work", type=Path)
    given = arguments.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    teacher = Teacher()
    vocabulary = [teacher.tokenizer.id_to_token(row)
                  for row in range(teacher.tokenizer.get_vocab_size())]
    prose = teacher.tokens(pieces(given.texts), TOKENS_TAUGHT)
    prose = [tokens for tokens in prose if len(tokens) >= 3]
    made_up = random_rows(vocabulary)

    def ask(name, sequences):
        path = given.work / f"{name}-{len(sequences)}.npy"
        return cached(path, lambda: teacher.embed(sequences, report=progress(name)))

    alone = ask("tokens", [[row] for row in range(len(vocabulary))])
    said, said_made_up = ask("prose", prose), ask("made-up", made_up)

    projection = np.linalg.svd(said[:30_000], full_matrices=False)[2][:DIMENSIONS].T
    order = np.random.default_rng(0).permutation(len(prose))
    kept, held_out = order[HELD_OUT:], order[:HELD_OUT]
    matrix = counts([prose[row] for row in kept] + made_up, len(vocabulary))
    goals = unit(np.concatenate([said[kept], said_made_up]) @ projection)
    unseen = counts([prose[row] for row in held_out], len(vocabulary))
    truth = unit(said[held_out] @ projection)

    def check(table):
        return (unit(unseen @ table) * truth).sum(axis=1).mean()

    table = plain(alone, projection)
    print(f"plain: held-out cosine {check(table):.4f}")
    Table.quantize(table, vocabulary, TOKENS_MAX).write(given.work / "plain.bin")
    table = refine(table, matrix, goals, check)
    table[:FIRST_TOKEN] = 0
    table = Table.quantize(table, vocabulary, TOKENS_MAX)
    table.write(HERE / "table.bin")

    tokens = [one.ids for one in bare(vocabulary).encode_batch(GOLDEN, add_special_tokens=False)]
    vectors = [[round(float(x), 5) for x in vector] for vector in table.embed(tokens)]
    lines = [json.dumps(pair) for pair in zip(GOLDEN, vectors)]
    (HERE / "golden.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")


if __name__ == "__main__":
    main()
