"""A model that only finds the result in an answer; whether it is right, the rule decides.

MathVista, MATH-Vision and MathVerse have a model read answers that reason at length. Their own
prompts hold worked examples; this one is ours, so its scores carry its name.

    question's words, answer -> prompt -> the judge's line -> the benchmark's rule -> Score
"""

from qvl.evaluation.benchmark import Judge, Question, Reply, Rule
from qvl.evaluation.scorers.score import Score
from qvl.messages import Conversation, Text

_LONGEST = 12_000
_PROMPT = """Below are a question and the answer of somebody else. Copy out the final result that \
the answer states: the letter of the chosen option, or a number, or an expression, without its \
reasoning. Do not solve the question. If the answer states no result, write NONE.

Question:
{question}

Answer:
{answer}

Result:"""


def extracting_judge(rule: Rule) -> Judge:
    """Returns a judge that reads a result, which the rule then scores."""

    def read(question: Question, text: str) -> Score:
        result = text.strip().split("\n")[0].strip()
        if not result or result.strip(".").upper() == "NONE":
            return Score(value=0.0, why="the judge found no result", is_parsed=False)
        return rule(question, Reply(text=result))

    return Judge(version="extract 1", prompt=_prompt, read=read)


def _prompt(question: Question, reply: Reply) -> Conversation:
    words = "".join(
        part.text
        for message in question.conversation.messages
        for part in message.content
        if isinstance(part, Text)
    )
    answer = reply.text[-_LONGEST:]
    return Conversation.user(_PROMPT.format(question=words[:_LONGEST], answer=answer))
