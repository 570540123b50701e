"""English contractions, for the benchmarks that repair a forgotten apostrophe.

Owns: the table. Does not own: when it is applied (``vqa``).

    CONTRACTIONS["dont"] == "don't"
"""

_SPELLED = """
ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't
haven't he'd've he's how'd how'll how's isn't it'd it'd've it'll ma'am mightn't mightn't've
might've mustn't must've needn't not've o'clock oughtn't shan't she'd've should've shouldn't
shouldn't've somebody'd've somebody'll somebody's someone'd someone'd've someone'll someone's
something'd something'd've something'll that's there'd there'd've there're there's they'd
they'd've they'll they're they've 'twas wasn't we'd've we've weren't what'll what're what's
what've when's where'd where's where've who'd who'd've who'll who's who've why'll why're why's
won't would've wouldn't wouldn't've y'all y'all'll y'all'd've you'd you'd've you'll you're you've
he'd
"""
# "shed", "shell", "well", "were", "ill", "id", "hell" and "its" are words of their own and stay.


def _table() -> dict[str, str]:
    """Each contraction with one of its apostrophes forgotten."""
    table = {}
    for word in _SPELLED.split():
        for index, char in enumerate(word):
            if char == "'":
                table[word[:index] + word[index + 1 :]] = word
    # Two oddities of the reference: a form that nobody writes, and one that loses its apostrophe.
    table |= dict.fromkeys(("ow's'at", "'ows'at", "'ow'sat"), "'ow's'at")
    table["somebody'd"] = "somebodyd"
    return table


CONTRACTIONS = _table()
"""Misspelt contraction -> contraction, in lower case. Source: VQA v2 evaluation code."""
