"""All benchmarks by name: a new one is a file and a row."""

from qvl.errors import ConfigError
from qvl.evaluation.benchmark import AREAS, Benchmark
from qvl.evaluation.benchmarks.ai2d import AI2D, AI2D_NO_MASK
from qvl.evaluation.benchmarks.aitz import AITZ
from qvl.evaluation.benchmarks.android_control import ANDROID_CONTROL_HIGH, ANDROID_CONTROL_LOW
from qvl.evaluation.benchmarks.blink import BLINK
from qvl.evaluation.benchmarks.cc_ocr import CC_OCR
from qvl.evaluation.benchmarks.charades_sta import CHARADES_STA, CHARADES_STA_LMMS_EVAL
from qvl.evaluation.benchmarks.chartqa import CHARTQA
from qvl.evaluation.benchmarks.charxiv import CHARXIV_DESCRIPTIVE, CHARXIV_REASONING
from qvl.evaluation.benchmarks.counting import COUNTBENCH, COUNTBENCH_DIRECT, PIXMO_COUNT
from qvl.evaluation.benchmarks.crpe import CRPE
from qvl.evaluation.benchmarks.docvqa import DOCVQA, INFOVQA
from qvl.evaluation.benchmarks.egoschema import EGOSCHEMA, EGOSCHEMA_SUBSET
from qvl.evaluation.benchmarks.gpqa import GPQA
from qvl.evaluation.benchmarks.hallusionbench import HALLUSIONBENCH
from qvl.evaluation.benchmarks.humaneval import HUMANEVAL
from qvl.evaluation.benchmarks.ifeval import IFEVAL
from qvl.evaluation.benchmarks.livebench import livebench_benchmarks
from qvl.evaluation.benchmarks.livebench_coding import LIVEBENCH_CODING
from qvl.evaluation.benchmarks.longvideobench import LONGVIDEOBENCH, LONGVIDEOBENCH_SUBTITLES
from qvl.evaluation.benchmarks.lvbench import LVBENCH
from qvl.evaluation.benchmarks.mathverse import MATHVERSE
from qvl.evaluation.benchmarks.mathvision import MATHVISION
from qvl.evaluation.benchmarks.mathvista import MATHVISTA
from qvl.evaluation.benchmarks.megabench import MEGABENCH
from qvl.evaluation.benchmarks.mlvu import MLVU
from qvl.evaluation.benchmarks.mm_mt_bench import MM_MT_BENCH
from qvl.evaluation.benchmarks.mmbench import MMBENCH_CN, MMBENCH_EN, MMBENCH_EN_V11
from qvl.evaluation.benchmarks.mmbench_video import MMBENCH_VIDEO
from qvl.evaluation.benchmarks.mme import MME
from qvl.evaluation.benchmarks.mme_realworld import (
    MME_REALWORLD,
    MME_REALWORLD_CN,
    MME_REALWORLD_LITE,
)
from qvl.evaluation.benchmarks.mmlu_pro import MMLU_PRO
from qvl.evaluation.benchmarks.mmlu_redux import MMLU_REDUX
from qvl.evaluation.benchmarks.mmmu import MMMU, MMMU_PRO
from qvl.evaluation.benchmarks.mmstar import MMSTAR
from qvl.evaluation.benchmarks.mmvet import MMVET
from qvl.evaluation.benchmarks.mmvu import MMVU
from qvl.evaluation.benchmarks.mtvqa import MTVQA
from qvl.evaluation.benchmarks.muirbench import MUIRBENCH
from qvl.evaluation.benchmarks.multipl_e import MULTIPL_E
from qvl.evaluation.benchmarks.mvbench import MVBENCH
from qvl.evaluation.benchmarks.ocrbench import OCRBENCH
from qvl.evaluation.benchmarks.ocrbench_v2 import OCRBENCH_V2_EN, OCRBENCH_V2_ZH
from qvl.evaluation.benchmarks.odinw import ODINW
from qvl.evaluation.benchmarks.olmocr_bench import OLMOCR_BENCH
from qvl.evaluation.benchmarks.omnidocbench import (
    OMNIDOCBENCH_EN,
    OMNIDOCBENCH_V15,
    OMNIDOCBENCH_ZH,
)
from qvl.evaluation.benchmarks.own import own_benchmarks
from qvl.evaluation.benchmarks.perceptiontest import PERCEPTIONTEST, PERCEPTIONTEST_VAL
from qvl.evaluation.benchmarks.pointing import PIXMO_POINTS, POINT_MASKS, POINTARENA
from qvl.evaluation.benchmarks.pope import POPE
from qvl.evaluation.benchmarks.realworldqa import REALWORLDQA
from qvl.evaluation.benchmarks.refcoco import refcoco_benchmarks
from qvl.evaluation.benchmarks.screenspot import SCREENSPOT, SCREENSPOT_V2
from qvl.evaluation.benchmarks.screenspot_pro import SCREENSPOT_PRO
from qvl.evaluation.benchmarks.seedbench2plus import SEEDBENCH2PLUS
from qvl.evaluation.benchmarks.tempcompass import TEMPCOMPASS, TEMPCOMPASS_CAPTIONING
from qvl.evaluation.benchmarks.textvqa import TEXTVQA
from qvl.evaluation.benchmarks.vcr import VCR_EASY, VCR_HARD
from qvl.evaluation.benchmarks.videomme import VIDEOMME, VIDEOMME_SUBTITLES
from qvl.evaluation.benchmarks.videommmu import VIDEOMMMU, VIDEOMMMU_KNOWLEDGE
from qvl.evaluation.benchmarks.written_maths import GSM8K, MATH, MATH_500
from qvl.options import nearest

BENCHMARKS: dict[str, Benchmark] = {
    benchmark.name: benchmark
    for benchmark in (
        # general questions about pictures
        MMMU,
        MMMU_PRO,
        MATHVISTA,
        MATHVISION,
        MATHVERSE,
        MMBENCH_EN,
        MMBENCH_CN,
        MMBENCH_EN_V11,
        MMSTAR,
        MME,
        MUIRBENCH,
        BLINK,
        CRPE,
        HALLUSIONBENCH,
        MTVQA,
        REALWORLDQA,
        MME_REALWORLD,
        MME_REALWORLD_CN,
        MME_REALWORLD_LITE,
        MMVET,
        MM_MT_BENCH,
        MEGABENCH,
        POPE,
        # text alone
        MMLU_PRO,
        MMLU_REDUX,
        GPQA,
        GSM8K,
        MATH,
        MATH_500,
        IFEVAL,
        *livebench_benchmarks(),
        LIVEBENCH_CODING,
        HUMANEVAL,
        MULTIPL_E,
        # documents and text in pictures
        AI2D,
        AI2D_NO_MASK,
        TEXTVQA,
        DOCVQA,
        INFOVQA,
        CHARTQA,
        OCRBENCH,
        OCRBENCH_V2_EN,
        OCRBENCH_V2_ZH,
        CC_OCR,
        CHARXIV_REASONING,
        CHARXIV_DESCRIPTIVE,
        SEEDBENCH2PLUS,
        VCR_HARD,
        VCR_EASY,
        OMNIDOCBENCH_EN,
        OMNIDOCBENCH_ZH,
        OMNIDOCBENCH_V15,
        OLMOCR_BENCH,
        # boxes, points, counts
        *refcoco_benchmarks(),
        ODINW,
        POINTARENA,
        PIXMO_POINTS,
        POINT_MASKS,
        COUNTBENCH,
        COUNTBENCH_DIRECT,
        PIXMO_COUNT,
        # videos
        VIDEOMME,
        VIDEOMME_SUBTITLES,
        VIDEOMMMU,
        VIDEOMMMU_KNOWLEDGE,
        MMVU,
        MVBENCH,
        MMBENCH_VIDEO,
        LONGVIDEOBENCH,
        LONGVIDEOBENCH_SUBTITLES,
        LVBENCH,
        EGOSCHEMA,
        EGOSCHEMA_SUBSET,
        PERCEPTIONTEST,
        PERCEPTIONTEST_VAL,
        MLVU,
        TEMPCOMPASS,
        TEMPCOMPASS_CAPTIONING,
        CHARADES_STA,
        CHARADES_STA_LMMS_EVAL,
        # agents, offline
        SCREENSPOT,
        SCREENSPOT_V2,
        SCREENSPOT_PRO,
        ANDROID_CONTROL_HIGH,
        ANDROID_CONTROL_LOW,
        AITZ,
        *own_benchmarks(),
    )
}  # fmt: skip

SUITE = "suite"
"""Name of qvl's own benchmarks together."""


def find_benchmark(name: str) -> Benchmark:
    """Returns one benchmark by its name.

    Raises:
        ConfigError: it is unknown.
    """
    if name not in BENCHMARKS:
        raise ConfigError(
            f"no benchmark named {name!r}",
            hint=nearest(name, BENCHMARKS, else_list=False) or "qvl eval list shows them all",
        )
    return BENCHMARKS[name]


def find_benchmarks(names: list[str]) -> list[Benchmark]:
    """Returns benchmarks by their names, areas, or "suite" for the own ones, each once.

    Raises:
        ConfigError: a name is unknown.
    """
    found: dict[str, Benchmark] = {}
    for name in names:
        area = "own" if name == SUITE else name
        if name in BENCHMARKS:
            found[name] = BENCHMARKS[name]
        elif area in AREAS:
            found |= {key: item for key, item in BENCHMARKS.items() if item.area == area}
        else:
            raise ConfigError(
                f"no benchmark named {name!r}",
                hint=nearest(name, [*BENCHMARKS, *AREAS, SUITE], else_list=False)
                or "qvl eval list shows them all",
            )
    return list(found.values())
