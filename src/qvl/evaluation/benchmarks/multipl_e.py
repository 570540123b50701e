"""MultiPL-E (arXiv 2208.08227): HumanEval in other languages.

Layout: nuprl/MultiPL-E, folders humaneval-cpp, humaneval-js and so on with test-*.parquet: name,
language, prompt, tests, stop_tokens. Java needs javatuples-1.2.jar in the dataset's folder.
Splits: languages with commas between. The default are those of Qwen2.5-Coder (arXiv 2409.12186)
without Python, which is HumanEval.
Prompt: ours; the authors' is for models that continue text.
Score: program and tests end without an error, once, greedily, by the authors' compilers and
options; the headline is the mean over languages. They run in a sandbox, only where code of the
model is allowed (`--allow-code`). A missing compiler stops the scoring: leave its language out by
--split.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from qvl.errors import DataError, MissingDependencyError
from qvl.evaluation.benchmark import Benchmark, Question, Reply, Scored
from qvl.evaluation.benchmarks.code_blocks import C_LIKE, SCRIPT, SHELL, Syntax, code_in, joined
from qvl.evaluation.layouts.rows import parquet_rows
from qvl.evaluation.sandbox import Limits, Sandbox
from qvl.evaluation.scorers.multiple_choice import grouped_accuracy
from qvl.evaluation.scorers.score import Score
from qvl.messages import Conversation, SamplingParams

_COMPILES = Limits(seconds=60, may_fork=True, reserves_memory=True, memory_bytes=4 * 2**30)
_RUNS = Limits(seconds=15)
_ON_MACHINE = replace(_RUNS, reserves_memory=True)
_JAR = "javatuples-1.2.jar"


@dataclass(frozen=True, kw_only=True, slots=True)
class Language:
    """How programs of a language are compiled and run.

    Attributes:
        title: as a person writes it.
        file: name of the program's text.
        syntax: see `code_blocks`.
        compiler: command that makes it runnable; empty if there is none.
        command: that runs it.
        limits: of running.
    """

    title: str
    file: str
    syntax: Syntax
    command: tuple[str, ...]
    compiler: tuple[str, ...] = ()
    limits: Limits = _RUNS


# Source: nuprl/MultiPL-E evaluation/src/eval_*.py; C# by Mono's own compiler.
LANGUAGES = {
    "cpp": Language(
        title="C++",
        file="program.cpp",
        syntax=replace(C_LIKE, entry=r"\bint\s+main\s*\("),
        compiler=("g++", "program.cpp", "-o", "program", "-std=c++17"),
        command=("program",),
    ),
    "cs": Language(
        title="C#",
        file="program.cs",
        syntax=replace(C_LIKE, entry=r"\b(?:public\s+)?static\s+void\s+Main\s*\("),
        compiler=("mcs", "-d:DEBUG", "-r:System.Numerics.dll", "-out:program.exe", "program.cs"),
        command=("mono", "program.exe"),
        limits=_ON_MACHINE,
    ),
    "java": Language(
        title="Java",
        file="Problem.java",
        syntax=replace(C_LIKE, entry=r"\bpublic\s+static\s+void\s+main\s*\("),
        compiler=("javac", "-encoding", "UTF8", "-cp", "{jar}", "Problem.java"),
        command=("java", "-ea", "-cp", ".:{jar}", "Problem"),
        limits=_ON_MACHINE,
    ),
    "js": Language(
        title="JavaScript",
        file="program.js",
        syntax=SCRIPT,
        command=("node", "program.js"),
        limits=_ON_MACHINE,
    ),
    "php": Language(title="PHP", file="program.php", syntax=SCRIPT, command=("php", "program.php")),
    "rs": Language(
        title="Rust",
        file="program.rs",
        syntax=replace(C_LIKE, entry=r"\bfn\s+main\s*\("),
        compiler=("rustc", "program.rs", "-o", "program"),
        command=("program",),
    ),
    "sh": Language(
        title="Bash",
        file="program.sh",
        syntax=SHELL,
        command=("bash", "program.sh"),
        limits=replace(_RUNS, may_fork=True),
    ),
    "ts": Language(
        title="TypeScript",
        file="program.ts",
        syntax=SCRIPT,
        compiler=("tsc", "--target", "esnext", "--module", "commonjs", "program.ts"),
        command=("node", "program.js"),
        limits=_ON_MACHINE,
    ),
}


def _load(folder: Path, split: str) -> Iterator[Question]:
    names = [name.strip() for name in split.split(",")]
    for name in names:
        if name not in LANGUAGES:
            raise DataError(
                f"split {split!r} has the language {name!r}, expected of {', '.join(LANGUAGES)}"
            )
    for name in names:
        language = LANGUAGES[name]
        for row in parquet_rows(folder, "test", config=f"humaneval-{name}"):
            words = (
                f"Complete this {language.title} function. Write the whole function, with what it "
                "needs, in one code block; write no tests and no main program.\n"
                f"```{name}\n{str(row['prompt']).rstrip()}\n```"
            )
            yield Question(
                key=f"{name}-{row['name']}",
                conversation=Conversation.user(words),
                truth=str(row["tests"]),
                groups={"language": name},
                facts={"prompt": str(row["prompt"]), "jar": str(folder / _JAR)},
            )


def _score(question: Question, reply: Reply) -> Score:
    language = LANGUAGES[question.groups["language"]]
    first = question.facts["prompt"].rstrip().rpartition("\n")[2].strip()
    code = code_in(reply.text, defines=first)
    program = joined(question.facts["prompt"], code, str(question.truth), language.syntax)
    commands = [
        (command, limits)
        for command, limits in ((language.compiler, _COMPILES), (language.command, language.limits))
        if command
    ]
    jar = _jar_of(question) if any("{jar}" in word for c, _ in commands for word in c) else ""
    with Sandbox({language.file: program}) as box:
        for command, limits in commands:
            ran = box.run(
                [word.replace("{jar}", jar) for word in command],
                limits=limits,
                readable=[jar] if jar else [],
            )
            if not ran.is_ok:
                return Score(value=0.0, why=ran.why, is_parsed=bool(reply.text.strip()))
    return Score(value=1.0, why="all tests pass")


def _jar_of(question: Question) -> str:
    jar = Path(question.facts["jar"])
    if not jar.is_file():
        raise MissingDependencyError(
            f"Java programs of MultiPL-E need {_JAR}, which is not in {jar.parent}",
            hint="put it there, or leave java out: --split cpp,js,php,sh,ts",
        )
    return str(jar.resolve())


def _total(scored: Sequence[Scored]) -> dict[str, float]:
    found = grouped_accuracy([(item.groups["language"], item.score) for item in scored])
    by_language = {str(name): 100 * value for name, value in found.by_group.items()}
    return {"mean_of_languages": 100 * found.mean_of_groups, **by_language}


MULTIPL_E = Benchmark(
    name="multipl-e",
    title="MultiPL-E",
    area="text",
    split="cpp,cs,java,js,php,sh,ts",
    source="nuprl/MultiPL-E",
    load=_load,
    score=_score,
    total=_total,
    metric="mean_of_languages",
    published={"72b": 79.5},
    params=SamplingParams(max_tokens=1024),
    executes_code=True,
)
