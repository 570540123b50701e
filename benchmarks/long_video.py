"""Peak memory of encoding a long video: decoded whole, against piece by piece.

    python benchmarks/long_video.py                    # ten minutes, 240 frames of them
    python benchmarks/long_video.py --frames 768       # all that the model may see

Each way runs in a process of its own, on a clip that is made first, with the tiny model that ships
inside. Memory is the highest resident size beyond that of the loaded model. Features must agree.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av
import numpy as np

CLIP_FPS = 4
CLIP_SIZE = (240, 320)
WAYS = ("whole", "pieces")


def make_clip(path: Path, minutes: float) -> None:
    """Writes a clip in which a bar moves over noise that stays."""
    noise = np.random.default_rng(0).integers(0, 90, (*CLIP_SIZE, 3), np.uint8)
    with av.open(str(path), "w") as container:
        track = container.add_stream("mpeg4", rate=CLIP_FPS)
        track.height, track.width = CLIP_SIZE
        for number in range(round(minutes * 60 * CLIP_FPS)):
            pixels = noise.copy()
            pixels[:, number % CLIP_SIZE[1]] = 255
            container.mux(track.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(track.encode(None))


def encode(way: str, clip: Path, num_frames: int, features_at: Path) -> dict[str, float]:
    """Encodes the clip one way; returns seconds and bytes, and writes the features."""
    import torch

    import qvl
    from qvl.processing.media import prepare_media

    engine = qvl.load().engine
    video = qvl.Video(clip, max_frames=num_frames)
    warm = qvl.Video([np.zeros((56, 56, 3), np.uint8)] * 2)
    engine.encode(warm)  # what is imported and set up only once
    before = _peak_bytes(reset=True)
    start = time.perf_counter()
    if way == "pieces":
        features = engine.encode(video).source.features
    else:
        prepared = prepare_media(video, engine.processor.settings.limits)
        most = engine.options.max_patches_per_chunk
        with torch.inference_mode():
            features = engine.model.encode_media(
                torch.from_numpy(prepared.pixel_values),
                [prepared.plan.grid],
                max_patches_per_chunk=most,
            )
    seconds = time.perf_counter() - start
    np.save(features_at, features.float().numpy())
    return {"seconds": seconds, "bytes": _peak_bytes() - before, "tokens": len(features)}


def _peak_bytes(*, reset: bool = False) -> int:
    """Highest resident size of this process, since the last reset where the system can do that."""
    clear = Path("/proc/self/clear_refs")
    if not clear.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if reset:
        clear.write_text("5")
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--frames", type=int, default=240)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.way:
        found = encode(args.way, args.folder / "clip.mp4", args.frames, _features(args, args.way))
        print(json.dumps(found))
        return
    with tempfile.TemporaryDirectory() as folder:
        args.folder = Path(folder)
        make_clip(args.folder / "clip.mp4", args.minutes)
        print("| way | tokens | peak memory | time |\n| --- | --- | --- | --- |")
        for way in WAYS:
            command = [sys.executable, __file__, "--way", way, "--folder", folder]
            command += ["--frames", str(args.frames)]
            found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
            memory = f"{found['bytes'] / 2**20:.0f} MiB"
            print(
                f"| {way} | {found['tokens']} | {memory} | {found['seconds']:.1f} s |", flush=True
            )
        whole, pieces = (np.load(_features(args, way)) for way in WAYS)
        print(f"\nlargest difference of a feature: {np.abs(whole - pieces).max():.1e}")


def _features(args: argparse.Namespace, way: str) -> Path:
    return args.folder / f"{way}.npy"


if __name__ == "__main__":
    main()
