"""Pictures where a question's words name them: "<image 2>" by number, "<image>" in order.

Owns: cutting words at marks, pictures that no mark names. Does not own making a question of the
pieces (``asking``).

    words with marks, number of pictures -> at_marks -> pieces and places
"""

import re

_MARK = re.compile(r"<image(?: (\d{1,3}))?>")


def at_marks(words: str, count: int) -> list[str | int]:
    """Words cut at their marks, each mark as the place of its picture; unnamed pictures in front.

    A picture named twice is shown twice, as the official MMMU prompt of Qwen2-VL does.

    >>> at_marks("Is <image 2> like <image 1>?", 2)
    ['Is ', 1, ' like ', 0, '?']
    >>> at_marks("Which is older? A. <image> B. <image>", 3)
    [2, 'Which is older? A. ', 0, ' B. ', 1]

    Args:
        words: of a question.
        count: pictures there are; a mark beyond them names one that is missing.
    """
    pieces: list[str | int] = []
    end = unnumbered = 0
    for mark in _MARK.finditer(words):
        if mark.group(1):
            place = int(mark.group(1)) - 1
        else:
            place, unnumbered = unnumbered, unnumbered + 1
        pieces += [words[end : mark.start()], place]
        end = mark.end()
    pieces.append(words[end:])
    unnamed: list[str | int] = [place for place in range(count) if place not in pieces]
    return unnamed + [piece for piece in pieces if piece != ""]
