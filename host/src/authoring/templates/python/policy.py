"""A prompt policy: decides what the model reads, and in which order.

It writes nothing itself. A plan names passages by id and span, and fixed words by their place in
LITERALS. The manual of what it gets and answers is wit/assembly.wit.
"""

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports import assembly as a
from wit_world.exports.types import Kind, Role

# The only words that this policy can say.
LITERALS = ["Notes:\n", "- ", "\n"]
NOTES, ITEM, LINE_END = 0, 1, 2

# The most notes of a kind that the model reads, and the most pieces of one.
NOTES_MAX = 8
PIECES_MAX = 8


def words(literal, anchor):
    return a.Part_Words(a.Words(literal, anchor))


def excerpts(passage):
    return [a.Part_Excerpt(a.Excerpt(passage.id, span)) for span in passage.kept]


class Types(exports.Types):
    pass


class Assembly(exports.Assembly):
    def describe(self):
        window = a.Window(turns=16, block=4, percent=50)
        return a.Description("my-policy", LITERALS, window, "")

    def assemble(self, request):
        def all_of(kind):
            return [passage for passage in request.passages if passage.kind == kind]

        instructions, queries = all_of(Kind.INSTRUCTION), all_of(Kind.QUERY)
        if len(instructions) != 1 or len(queries) != 1:
            raise Err(a.Error_IncompleteRequest())

        # The instruction, then what was said last, word for word: what stays the same from turn to
        # turn stands first, so that the model need not read it again.
        messages = [
            a.Message(passage.role, excerpts(passage))
            for passage in instructions + all_of(Kind.HISTORY)
            if passage.kept
        ]

        # Then one message of the user: notes, best first, and what the user says now.
        parts = []
        for kind in (Kind.DOCUMENT, Kind.MEMORY):
            notes = [note for note in all_of(kind) if note.kept][:NOTES_MAX]
            if notes:
                parts.append(words(NOTES, a.Anchor_Section(kind)))
            for note in notes:
                held = a.Anchor_Passage(note.id)
                parts += [words(ITEM, held), *excerpts(note)[:PIECES_MAX], words(LINE_END, held)]
        parts += excerpts(queries[0])
        messages.append(a.Message(Role.USER, parts))
        return a.Plan(a.Layout_Chat(messages), "")
