"""Writes the network as GGUF, for llama.cpp: `python export.py match.pt ../chat.gguf`."""

import argparse
import pathlib
import re

import gguf
import numpy as np

import circuit
import tokenizer

NAME = "Loci small chat"
F16, Q8_0, Q4_0 = (gguf.GGMLQuantizationType[name] for name in ("F16", "Q8_0", "Q4_0"))
# What bears eight bits. The rest decides by thresholds: with eight bits in what block 0 writes, no
# absent fact was known to be absent any more.
ROUGH = re.compile(r"token_embd|blk\.3\.(attn_v|attn_output|ffn)|blk\.0\.attn_v|blk\.4\.attn")
# What divides the rotation of a pair that is to stand still.
STILL = 1e30


def rotation_factors(config):
    """What llama.cpp divides the usual rotation of each pair by."""
    pairs = config.head // 2
    usual = config.rope_base ** (-np.arange(pairs) / pairs)
    wanted = np.array(config.frequencies)
    factors = np.full(pairs, STILL)
    factors[: len(wanted)] = usual[: len(wanted)] / wanted
    return factors.astype(np.float32)


def write_header(writer, config):
    """Sizes and the card's facts."""
    writer.add_name(NAME)
    writer.add_license("apache-2.0")
    writer.add_description("Quotes what was said and what notes say; made by Loci's scripts")
    writer.add_block_count(config.layers)
    writer.add_context_length(config.context)
    writer.add_embedding_length(config.width)
    writer.add_feed_forward_length(config.hidden)
    writer.add_head_count(config.heads)
    writer.add_head_count_kv(config.heads)
    writer.add_key_length(config.head)
    writer.add_value_length(config.head)
    writer.add_layer_norm_rms_eps(config.norm_eps)
    writer.add_rope_dimension_count(config.head)
    writer.add_rope_freq_base(config.rope_base)
    writer.add_vocab_size(config.vocab)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)


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


def kind_of(name, array):
    """How a matrix is written. Without any weight in it, it only has to be there."""
    if not array.any():
        return Q4_0
    return Q8_0 if ROUGH.match(name) else F16


def write(path, config, weights):
    """Writes the file."""
    writer = gguf.GGUFWriter(path, "llama")
    write_header(writer, config)
    write_tokenizer(writer, config.vocab)
    writer.add_tensor("rope_freqs.weight", rotation_factors(config))
    for name, tensor in weights.items():
        array = tensor.float().numpy()
        if array.ndim == 1:
            writer.add_tensor(name, array)
        else:
            kind = kind_of(name, array)
            writer.add_tensor(name, gguf.quants.quantize(array, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    """Reads what was learned and writes the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("learned")
    parser.add_argument("out")
    args = parser.parse_args()
    _, config, weights = circuit.load(args.learned)
    write(args.out, config, weights)


if __name__ == "__main__":
    main()
