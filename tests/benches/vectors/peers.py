"""The peers of `cargo xtask bench vectors`, on the same vectors: one thread each.

Usage: peers.py FOLDER DIMENSIONS SESSION. FOLDER has passages.f32 and queries.f32.
"""

import sys
import time
from pathlib import Path

import numpy as np

ROUNDS = 5
MOST = 10
RECALL = 0.99


def read(file, dimensions):
    return np.fromfile(file, dtype="<f4").reshape(-1, dimensions)


def measured(queries, ask):
    """The best time of each query, in microseconds, and the answers."""
    best = np.full(len(queries), np.inf)
    for _ in range(ROUNDS):
        answers = []
        for number, query in enumerate(queries):
            began = time.perf_counter()
            answer = ask(query)
            best[number] = min(best[number], (time.perf_counter() - began) * 1e6)
            answers.append(answer)
    return best, answers


def recall(truth, found):
    right = sum(len(set(a) & set(int(x) for x in b)) for a, b in zip(truth, found))
    return right / sum(len(a) for a in truth)


def show(name, best, found, truth, more=""):
    share = f"   recall@10 {recall(truth, found):.4f}" if truth else ""
    p50, p99 = np.percentile(best, [50, 99])
    print(f"{name:21} p50 {p50:8.1f} µs  p99 {p99:8.1f} µs{share}{more}", flush=True)


def of_hnswlib(passages, queries, truth):
    import hnswlib

    index = hnswlib.Index(space="ip", dim=passages.shape[1])
    index.init_index(max_elements=len(passages), ef_construction=200, M=16, random_seed=1)
    index.set_num_threads(1)
    began = time.perf_counter()
    index.add_items(passages, np.arange(len(passages)))
    built = time.perf_counter() - began
    for sight in (32, 64, 96, 128, 192, 256, 384, 512):
        index.set_ef(sight)
        best, found = measured(queries, lambda q: index.knn_query(q, k=MOST)[0][0])
        if recall(truth, found) >= RECALL:
            break
    show("hnswlib", best, found, truth, f", ef {sight}, built in {built:.1f} s")


def of_usearch(passages, queries, truth):
    from usearch.index import Index

    for sight in (64, 128, 256, 512):
        index = Index(ndim=passages.shape[1], metric="ip", dtype="f32", expansion_search=sight)
        began = time.perf_counter()
        index.add(np.arange(len(passages)), passages, threads=1)
        built = time.perf_counter() - began
        best, found = measured(queries, lambda q: index.search(q, MOST, threads=1).keys)
        if recall(truth, found) >= RECALL:
            break
    show("usearch", best, found, truth, f", expansion {sight}, built in {built:.1f} s")


def of_chromadb(passages, queries, truth, session):
    import chromadb

    collection = chromadb.EphemeralClient().create_collection(
        "bench", metadata={"hnsw:space": "cosine"}
    )
    for first in range(0, len(passages), 5_000):
        some = passages[first : first + 5_000]
        ids = [str(first + at) for at in range(len(some))]
        # The seed's filter: one session, and one kind of message.
        metadatas = [
            {"session_id": f"s{(first + at) // session}", "kind": "message"}
            for at in range(len(some))
        ]
        collection.add(ids=ids, embeddings=some, metadatas=metadatas)

    def ask(query, where=None):
        answer = collection.query(query_embeddings=[query], n_results=MOST, where=where)
        return answer["ids"][0]

    some = queries[:50]
    best, found = measured(some, ask)
    show("chromadb", best, found, truth[: len(some)])
    where = {"$and": [{"session_id": "s1"}, {"kind": "message"}]}
    best, found = measured(some, lambda query: ask(query, where))
    show("chromadb one session", best, found, None)


def main():
    folder, dimensions, session = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    passages = read(folder / "passages.f32", dimensions)
    queries = read(folder / "queries.f32", dimensions)
    scores = queries @ passages.T
    truth = [list(np.argsort(-row, kind="stable")[:MOST]) for row in scores]
    of_hnswlib(passages, queries, truth)
    of_usearch(passages, queries, truth)
    of_chromadb(passages, queries, truth, session)


main()
