"""Writes a checkpoint as GGUF, for llama.cpp: `python export.py chat.pt ../chat.gguf`."""

import argparse
import pathlib

import gguf
import numpy as np
import torch

import tokenizer

NAME = "Loci small chat"
# The scores of tokens are multiplied by this: at a server's usual temperature of 0.8 the model then
# says what it is most sure of, as it does at 0, instead of a draw from names that it has to copy.
SHARPER = 5.0
MATRICES = {
    "attn_output": "out", "ffn_down": "down", "attn_norm": "attn_norm", "ffn_norm": "ffn_norm",
}


def tensors(config, state):
    """GGUF names and arrays; what the network keeps as one matrix is cut apart again."""
    yield "token_embd.weight", state["embed.weight"]
    yield "output_norm.weight", state["norm.weight"] * SHARPER
    for i in range(config["layers"]):
        block = f"blocks.{i}."
        query, key, value = state[block + "qkv.weight"].chunk(3)
        gate, up = state[block + "gate_up.weight"].chunk(2)
        named = {"attn_q": query, "attn_k": key, "attn_v": value, "ffn_gate": gate, "ffn_up": up}
        named |= {name: state[f"{block}{own}.weight"] for name, own in MATRICES.items()}
        for name, tensor in named.items():
            yield f"blk.{i}.{name}.weight", tensor


def write_header(writer, config, kind):
    """Sizes and the card's facts."""
    writer.add_name(NAME)
    writer.add_license("apache-2.0")
    writer.add_description("Answers from notes and from the conversation; trained by Loci's script")
    writer.add_block_count(config["layers"])
    writer.add_context_length(config["context"])
    writer.add_embedding_length(config["width"])
    writer.add_feed_forward_length(config["hidden"])
    writer.add_head_count(config["heads"])
    writer.add_head_count_kv(config["heads"])
    writer.add_layer_norm_rms_eps(config["norm_eps"])
    writer.add_rope_dimension_count(config["width"] // config["heads"])
    writer.add_rope_freq_base(config["rope_base"])
    writer.add_vocab_size(config["vocab"])
    quantized = kind == gguf.GGMLQuantizationType.Q8_0
    writer.add_file_type(
        gguf.LlamaFileType.MOSTLY_Q8_0 if quantized else gguf.LlamaFileType.MOSTLY_F16
    )


def write_tokenizer(writer, size):
    """Tokens, merges, control tokens and the chat template."""
    _, tables = tokenizer.load()
    tokens = [f"<|unused_{i}|>" for i in range(size)]
    kinds = [gguf.TokenType.UNUSED] * size
    for token, i in tables["vocab"].items():
        tokens[i] = token
        control = token in tokenizer.CONTROL
        kinds[i] = gguf.TokenType.CONTROL if control else gguf.TokenType.NORMAL
    vocab = tables["vocab"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges([" ".join(merge) for merge in tables["merges"]])
    writer.add_bos_token_id(vocab[tokenizer.END_OF_TEXT])
    writer.add_eos_token_id(vocab[tokenizer.IM_END])
    writer.add_eot_token_id(vocab[tokenizer.IM_END])
    writer.add_pad_token_id(vocab[tokenizer.END_OF_TEXT])
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(False)
    template = pathlib.Path(__file__).with_name("template.jinja").read_text().strip("\n")
    writer.add_chat_template(template)


def main():
    """Reads the checkpoint and writes the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint")
    parser.add_argument("out")
    parser.add_argument("--type", choices=("f16", "q8_0"), default="f16")
    args = parser.parse_args()
    checkpoint = torch.load(args.checkpoint, map_location="cpu")
    config, state = checkpoint["config"], checkpoint["state"]
    kind = gguf.GGMLQuantizationType[args.type.upper()]
    writer = gguf.GGUFWriter(args.out, "llama")
    write_header(writer, config, kind)
    write_tokenizer(writer, config["vocab"])
    for name, tensor in tensors(config, state):
        array = tensor.float().numpy()
        if array.ndim == 1:
            writer.add_tensor(name, array.astype(np.float32))
        else:
            writer.add_tensor(name, gguf.quants.quantize(array, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main()
