"""The tokenizer: byte-level BPE with which a name is cut alike wherever it stands.

Merges are learned on words without their spaces; merges of a space with a whole common word come
last. So " Zorvek" is a space and then what "Zorvek" is by itself, and copying need not translate.
Digits and line ends merge with nothing. The cut into words is that of GPT-2 (`gpt-2` in llama.cpp).
"""

import collections
import json
import pathlib
import re

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from conversations import REAL, Generator
from relations import MODIFIERS
from smalltalk import FILLER, SMALL_TALK, WORLD
from values import NOUNS

END_OF_TEXT, IM_START, IM_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
CONTROL = (END_OF_TEXT, IM_START, IM_END)
VOCAB = 3072
SPACED_WORDS = 1000
# Below this a word is more likely a chance syllable of a name than a word.
SPACED_COUNT_MIN = 20
ENDINGS = ("'s", "'m", "'t", "'ll", "'ve", "'re", "'d")
PATH = pathlib.Path(__file__).with_name("tokenizer.json")

# Common English words: what people type besides what the generator writes.
COMMON = (
    "the of and to in is that it for was on are as with his they at be this have from or had by "
    "not word but what some we can out other were all there when up use your how said an each she "
    "which do their time if will way about many then them write would like so these her long make "
    "thing see him two has look more day could go come did number sound no most people my over "
    "know water than call first who may down side been now find any new work part take get place "
    "made live where after back little only round man year came show every good me give our under "
    "name very through just form sentence great think say help low line differ turn cause much "
    "mean before move right boy old too same tell does set three want air well also play small "
    "end put home read hand port large spell add even land here must big high such follow act why "
    "ask men change went light kind off need house picture try us again animal point mother world "
    "near build self earth father head stand own page should country found answer school grow "
    "study still learn plant cover food sun four between state keep eye never last let thought "
    "city tree cross farm hard start might story saw far sea draw left late run don't while press "
    "close night real life few north open seem together next white children begin got walk "
    "example ease paper group always music those both mark often letter until mile river car feet "
    "care second book carry took science eat room friend began idea fish mountain stop once base "
    "hear horse cut sure watch color face wood main enough plain girl usual young ready above "
    "ever red list though feel talk bird soon body dog family direct pose leave song measure door "
    "product black short numeral class wind question happen complete ship area half rock order "
    "fire south problem piece told knew pass since top whole king space heard best hour better "
    "true during hundred five remember step early hold west ground interest reach fast verb sing "
    "listen six table travel less morning ten simple several vowel toward war lay against pattern "
    "slow center love person money serve appear road map rain rule govern pull cold notice voice "
    "unit power town fine certain fly fall lead cry dark machine note wait plan figure star box "
    "noun field rest correct able pound done beauty drive stood contain front teach week final "
    "gave green quick develop ocean warm free minute strong special mind behind clear tail "
    "produce fact street inch multiply nothing course"
).split()


def build(vocab, merges):
    """A tokenizer of these tables, without control tokens: text is data."""
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def load(path=PATH):
    """The tokenizer and its tables (`vocab`, `merges`)."""
    tables = json.loads(path.read_text())
    return build(tables["vocab"], [tuple(merge) for merge in tables["merges"]]), tables


def _corpus():
    generator = Generator(1)
    for _ in range(8000):
        conversation = generator.conversation(REAL)
        for message in conversation.messages:
            yield "".join(message.pieces)
        for branch in conversation.branches:
            yield branch.query
            yield branch.reply
    for _ in range(2500):
        values = generator.values
        yield f"{values.proper()} {values.word()} {values.place()} {values.name()}"
    for _ in range(60):
        yield " ".join((*COMMON, *NOUNS, *MODIFIERS))
        yield "system user assistant " * 5
    yield from FILLER
    yield from WORLD
    for row in SMALL_TALK:
        yield from row


def train(path=PATH):
    """Learns the tables and writes them."""
    texts = list(_corpus())
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(r"\s+"), "removed"),
        pre_tokenizers.Digits(individual_digits=True),
        # Marks merge with nothing: a text is cut alike whether a quote mark follows it or not.
        pre_tokenizers.Punctuation("isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
    ])
    room = VOCAB - len(CONTROL) - SPACED_WORDS
    trainer = trainers.BpeTrainer(
        vocab_size=room, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    learner.train_from_iterator(texts, trainer)
    model = json.loads(learner.to_str())["model"]
    vocab = {token: i for i, token in enumerate(CONTROL)}
    for token, i in sorted(model["vocab"].items(), key=lambda item: item[1]):
        vocab[token] = i + len(CONTROL)
    merges = [merge.split(" ") if isinstance(merge, str) else merge for merge in model["merges"]]
    # What stands before a quoted text.
    merges.append(["Ġ", '"'])
    vocab['Ġ"'] = len(vocab)
    for ending in ENDINGS:
        merges.append([ending[0], ending[1]])
        vocab[ending[:2]] = len(vocab)
        if len(ending) == 3:
            merges.append([ending[:2], ending[2]])
            vocab[ending] = len(vocab)
    counts = collections.Counter(
        word for text in texts for word in re.findall(r" ([A-Za-z]+)(?![A-Za-z])", text)
    )
    for word, count in counts.most_common():
        if len(vocab) == VOCAB or count < SPACED_COUNT_MIN:
            break
        # A capital after a space may begin a sentence: there the space stays a token (`prompts.py`).
        if word in vocab and (word.islower() or word == "I"):
            vocab["Ġ" + word] = len(vocab)
            merges.append(["Ġ", word])
    path.write_text(json.dumps({"vocab": vocab, "merges": merges}, ensure_ascii=False) + "\n")
    return texts


if __name__ == "__main__":
    seen = train()
    cutter, tables = load()
    sizes = [len(cutter.encode(text).ids) for text in seen[:3000]]
    each = sum(map(len, seen[:3000])) / sum(sizes)
    print(f"{len(tables['vocab'])} tokens, {each:.2f} characters each")
    for sample in (seen[1], "Zorvek's dog is Zorvek, Barcelona, Alice 4471 AB-12x maple-lamp-4"):
        print(cutter.encode(sample).tokens)
        assert cutter.decode(cutter.encode(sample).ids) == sample
