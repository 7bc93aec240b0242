"""The table as it ships, and how it turns tokens into a vector.

All numbers are little-endian:

    8 bytes   the letters LOCISTE1
    32 bytes  SHA-256 of all that follows: it names the model
    u32       rows: one for each token of the vocabulary
    u32       dimensions
    u32       the most tokens of a text that are looked at
    u32       bytes of the vocabulary
    f32       one scale for each row
    i8        rows x dimensions: the row's vector is these numbers times its scale
    text      the vocabulary, one token a line, in the order of the rows

The vector of a text is the sum of its tokens' vectors, brought to unit length.
"""

import hashlib
import struct

import numpy as np

MAGIC = b"LOCISTE1"
HEADER = "<IIII"


class Table:
    def __init__(self, scales, values, vocabulary, tokens_max):
        self.scales, self.values = scales, values
        self.vocabulary, self.tokens_max = vocabulary, tokens_max

    @classmethod
    def quantize(cls, vectors, vocabulary, tokens_max):
        """One scale for each row: the largest number of the row becomes 127."""
        largest = np.abs(vectors).max(axis=1)
        scales = np.where(largest > 0, largest / 127, 0).astype(np.float32)
        divisors = np.where(scales > 0, scales, 1)[:, None]
        values = np.rint(vectors / divisors).astype(np.int8)
        return cls(scales, values, vocabulary, tokens_max)

    def write(self, path):
        words = "\n".join(self.vocabulary).encode()
        body = struct.pack(HEADER, *self.values.shape, self.tokens_max, len(words))
        body += self.scales.astype("<f4").tobytes() + self.values.tobytes() + words
        with open(path, "wb") as file:
            file.write(MAGIC + hashlib.sha256(body).digest() + body)

    @classmethod
    def read(cls, path):
        with open(path, "rb") as file:
            data = file.read()
        body = data[40:]
        if data[:8] != MAGIC or data[8:40] != hashlib.sha256(body).digest():
            raise ValueError(f"`{path}` is no token table, or damaged")
        rows, dimensions, tokens_max, words = struct.unpack_from(HEADER, body)
        start = struct.calcsize(HEADER)
        scales = np.frombuffer(body, "<f4", rows, start)
        start += 4 * rows
        values = np.frombuffer(body, np.int8, rows * dimensions, start).reshape(rows, dimensions)
        start += rows * dimensions
        vocabulary = body[start : start + words].decode().split("\n")
        return cls(scales, values, vocabulary, tokens_max)

    def embed(self, sequences):
        result = np.zeros((len(sequences), self.values.shape[1]), dtype=np.float32)
        for place, tokens in enumerate(sequences):
            tokens = tokens[: self.tokens_max]
            if tokens:
                result[place] = self.scales[tokens] @ self.values[tokens].astype(np.float32)
        norms = np.linalg.norm(result, axis=1, keepdims=True)
        return result / np.where(norms > 0, norms, 1)
