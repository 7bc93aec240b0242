#!/usr/bin/env python3
"""Loci beside llama.cpp's own server: the same GGUF file, the same prompts, in one run.

    cargo xtask build
    python3 tests/benches/side_by_side.py --model MODEL.gguf --llama-server PATH/llama-server

`llama-server` is built from llama.cpp's sources with the processor features that Loci's own build
has (`.cargo/config.toml`), so that what is compared is the servers:

    pip download llama-cpp-python --no-deps --no-binary :all: && tar xf llama_cpp_python-*.tar.gz
    cmake -S llama_cpp_python-*/vendor/llama.cpp -B build -DCMAKE_BUILD_TYPE=Release \\
        -DBUILD_SHARED_LIBS=OFF -DGGML_NATIVE=OFF -DGGML_AVX=ON -DGGML_AVX2=ON -DGGML_FMA=ON \\
        -DGGML_F16C=ON -DGGML_BMI2=ON -DGGML_SSE42=ON -DLLAMA_OPENSSL=OFF -DLLAMA_USE_PREBUILT_UI=OFF
    cmake --build build --target llama-server

The model should have at least 100 million weights, so that it is the model that is measured;
`TinyGguf::bench_150m` writes one of noise. Loci is asked through its own API, as a chat with memory
is; the receipts tell the messages that its model read, and `llama-server` is given those, in the
same template. Answers must all be as long as was asked for, so the model must never end one itself:
the one of noise does not. Rounds alternate between the two, and medians of rounds are compared: on
a machine that does other things as well, single figures mean little. Needs nothing but Python's
standard library.
"""

import argparse
import http.client
import json
import os
import pathlib
import socket
import statistics
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOPICS = ["boats", "violins", "cheese", "trains", "gardens", "maps", "clocks", "kites"]


def message(stream, turn):
    topic = TOPICS[(stream + turn) % len(TOPICS)]
    return (
        f"Note {turn} of person {stream}: on day {turn * 7 % 101} we spoke of {topic} near the "
        f"{'old new iron stone'.split()[turn % 4]} bridge. What do you say to {topic}?"
    )


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Refused(Exception):
    """An answer with a status that is no success."""


class Server:
    """A process that listens on a port of its own, until `close`."""

    def __init__(self, command, health, port):
        self.port = port
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)
        for _ in range(1200):
            if self.process.poll() is not None:
                self.log.seek(0)
                raise SystemExit(self.log.read().decode(errors="replace")[-4000:])
            try:
                if health(self):
                    return
            except (OSError, http.client.HTTPException, Refused):
                pass
            time.sleep(0.1)
        raise SystemExit(f"{command[0]} did not become ready")

    def call(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        headers = {"content-type": "application/json", "accept": "application/json"}
        connection.request(method, path, json.dumps(body) if body else None, headers)
        response = connection.getresponse()
        text = response.read()
        if response.status >= 300:
            raise Refused(f"{path}: {response.status} {text[:500]}")
        return json.loads(text) if text else None

    def stream(self, path, body):
        """The events of an answer: when they came, their names and data. The first is the start."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        data = json.dumps(body)
        headers = {"content-type": "application/json", "accept": "text/event-stream"}
        began = time.perf_counter()
        connection.request("POST", path, data, headers)
        response = connection.getresponse()
        if response.status != 200:
            raise Refused(f"{path}: {response.status} {response.read()[:500]}")
        yield began, "", None
        name = ""
        for line in response:
            if line.startswith(b"event: "):
                name = line[7:].strip().decode()
            if line.startswith(b"data: ") and not line.startswith(b"data: [DONE]"):
                yield time.perf_counter(), name, json.loads(line[6:])
        connection.close()

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(30)


class Loci:
    name = "loci"

    def __init__(self, options, slots):
        port = free_port()
        self.data = tempfile.TemporaryDirectory()
        command = [options.loci, "serve", "--listen", f"127.0.0.1:{port}", "--data"]
        command += [self.data.name, "--model", options.model, "--slots", str(slots)]
        command += ["--context-tokens", str(options.context), "--app", str(ROOT / "spin.toml")]
        ready = lambda server: server.call("GET", "/api/v1/llm/status")["status"] == "ready"
        self.server = Server(command, ready, port)
        self.sessions = {}

    def prepare(self, stream, memory=True):
        session = self.server.call("POST", "/api/v1/sessions", {"name": str(stream)})
        self.sessions[stream] = session["id"]
        self.server.call("PUT", f"/api/v1/sessions/{session['id']}/memory", {"enabled": memory})

    def write(self, _messages):
        """Messages as text; this server has written them itself."""

    def answer(self, stream, turn, tokens, _prompt=None):
        """Times of the start, the first and the last text; tokens said; the messages of the prompt,
        and how many tokens of it were evaluated."""
        path = f"/api/v1/sessions/{self.sessions[stream]}/messages"
        body = {"role": "user", "content": message(stream, turn), "max_tokens": tokens}
        times, events = [], {}
        for at, name, data in self.server.stream(path, {**body, "temperature": 0, "stream": True}):
            if name in ("", "delta"):
                times.append(at)
            events[name] = data
        receipt = self.server.call("GET", f"{path}/{events['message.end']['id']}/receipt")
        usage = events["usage"]
        read = usage["prompt_tokens"] - usage["cached_tokens"]
        said = usage["completion_tokens"]
        return times[0], times[1], times[-1], said, receipt["messages"], read

    def close(self):
        self.server.close()
        self.data.cleanup()


class LlamaServer:
    name = "llama-server"

    def __init__(self, options, slots):
        port = free_port()
        command = [options.llama_server, "-m", options.model, "--port", str(port), "-np"]
        command += [str(slots), "-c", str(options.context * slots), "--no-webui"]
        # As many threads as Loci has: left to itself, it counts processors that are not ours.
        command += ["-t", str(len(os.sched_getaffinity(0)))]
        self.server = Server(command, lambda server: server.call("GET", "/health"), port)

    def prepare(self, stream, memory=True):
        pass

    def write(self, messages):
        """Messages as text, in the template of the model: the prompt for `answer`."""
        if messages:
            return self.server.call("POST", "/apply-template", {"messages": messages})["prompt"]
        return None

    def answer(self, stream, turn, tokens, prompt=None):
        body = {"prompt": prompt, "n_predict": tokens, "temperature": 0, "stream": True}
        body |= {"cache_prompt": True, "id_slot": stream}
        times, last = [], None
        for at, _, data in self.server.stream("/completion", body):
            if data is None or data.get("content"):
                times.append(at)
            last = data
        read = last["timings"]["prompt_n"]
        return times[0], times[1], times[-1], last["tokens_predicted"], None, read

    def close(self):
        self.server.close()


def together(server, streams, turn, tokens, prompts):
    """Tokens per second of all streams at once, from the first request to the last token."""
    results = [None] * streams
    written = [server.write(prompts.get((stream, turn))) for stream in range(streams)]

    def one(stream):
        results[stream] = server.answer(stream, turn, tokens, written[stream])

    threads = [threading.Thread(target=one, args=(stream,)) for stream in range(streams)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for stream, result in enumerate(results):
        if result[4] is not None:
            prompts[(stream, turn)] = result[4]
        if result[3] != tokens:
            raise SystemExit(f"{server.name} said {result[3]} tokens of {tokens}: not comparable")
    begun, ended = min(r[0] for r in results), max(r[2] for r in results)
    speaking = ended - max(r[1] for r in results)
    said = sum(r[3] for r in results)
    after_first = sum(r[3] - 1 for r in results)
    return said / (ended - begun), after_first / max(speaking, 1e-9)


def throughput(options, kinds):
    for streams in options.streams:
        rates = {kind.name: [] for kind in kinds}
        for round_number in range(options.rounds):
            # Whoever comes first in a pair may find the machine in another state.
            prompts = {}
            for kind in kinds:
                server = kind(options, max(streams, 2))
                for stream in range(streams):
                    server.prepare(stream)
                together(server, streams, 0, 8, prompts)
                rates[kind.name].append(together(server, streams, 1, options.tokens, prompts)[0])
                server.close()
        middle = {name: statistics.median(found) for name, found in rates.items()}
        ratio = statistics.median(ours / theirs for ours, theirs in zip(*rates.values()))
        figures = ", ".join(f"{name} {rate:.1f}" for name, rate in middle.items())
        print(f"{streams:2} streams: tokens per second {figures}; ratio {ratio:.3f}", flush=True)


def growth(options, kinds, memory):
    """How the time to the first token grows with a session. Both are asked turn by turn, so that
    the machine is in the same state for both."""
    servers = [kind(options, 2) for kind in kinds]
    for server in servers:
        server.prepare(0, memory)
    first, read = ({server.name: [] for server in servers} for _ in range(2))
    for turn in range(1, options.turns + 1):
        prompt = None
        for server in servers:
            begun, at, _, _, said, tokens = server.answer(0, turn, 16, server.write(prompt))
            prompt = prompt or said
            first[server.name].append((at - begun) * 1000)
            read[server.name].append(tokens)
    for server in servers:
        server.close()
        early, late = slice(1, 4), slice(-8, None)
        ms, tokens = first[server.name], read[server.name]
        before, after = statistics.median(ms[early]), statistics.median(ms[late])
        print(
            f"memory {'on' if memory else 'off'}, {server.name}: first token after {before:.1f} ms "
            f"at turns 2 to 4, {after:.1f} ms at the last eight of {options.turns}; ratio "
            f"{after / before:.2f}; worst {max(ms[1:]):.1f} ms; tokens read "
            f"{statistics.median(tokens[early]):.0f} and {statistics.median(tokens[late]):.0f}",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--llama-server", required=True)
    parser.add_argument("--loci", default=str(ROOT / "target/release/loci"))
    parser.add_argument("--context", type=int, default=4096, help="tokens of one conversation")
    parser.add_argument("--tokens", type=int, default=128, help="tokens of an answer")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--turns", type=int, default=50)
    parser.add_argument("--streams", type=int, nargs="*", default=[1, 4, 16])
    options = parser.parse_args()
    kinds = [Loci, LlamaServer]
    for memory in (True, False):
        growth(options, kinds, memory)
    throughput(options, kinds)


if __name__ == "__main__":
    main()
