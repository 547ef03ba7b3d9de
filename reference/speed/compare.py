"""Whole processes of tumorlens beside Python, in turn; prints medians and ratios (above 1: tumorlens is faster).

    python compare.py TUMORLENS AUGMENT_SPEED MODEL.onnx FOLDER... [--rounds 3] [--seconds 5] [--only TEXT]

AUGMENT_SPEED is target/release/examples/augment_speed, MODEL.onnx comes from export_onnx.py, a FOLDER holds pictures. Ratios
are medians over rounds, each of which runs everything once. Needs numpy, scipy, pillow, onnxruntime, torch, torchvision.
"""
import argparse
import pathlib
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).parent


def seconds(command, _):
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def seconds_a_sample(command, listing):
    done = subprocess.run(command, check=True, input=listing, text=True, stdout=subprocess.PIPE)
    return 1 / float(done.stdout)


def main(args):
    folders = args.folders
    pictures = sorted(str(p) for folder in folders for p in pathlib.Path(folder).iterdir())
    predict = [sys.executable, HERE / "predict.py", args.model]
    augment = [sys.executable, HERE / "augment.py", str(args.seconds)]
    cases = {
        f"predict, {len(pictures)} files": (seconds, [args.tumorlens, "predict", "--csv", *folders], {
            "in turn": [*predict, *folders],
            "decoding beside the network": [*predict, *folders, "--readers", "1"],
            "the same without the crop": [*predict, *folders, "--readers", "1", "--no-crop"],
        }),
        "predict, one file": (seconds, [args.tumorlens, "predict", "--csv", pictures[0]], {
            "Pillow, SciPy, ONNX Runtime": [*predict, pictures[0]],
            "the same without the crop": [*predict, pictures[0], "--no-crop"],
        }),
        "augmentation, a sample": (seconds_a_sample, [args.augment_speed, str(args.seconds)], {
            "one process": augment,
            "DataLoader, 2 workers": [*augment, "--workers", "2"],
        }),
    }
    print("| work | tumorlens, ms | peer | ms | times as fast |\n|---|---|---|---|---|", flush=True)
    for name, (measure, command, peers) in cases.items():
        if args.only not in name:
            continue
        listing = "".join(p + "\n" for p in pictures[:: max(1, len(pictures) // 200)])
        rounds = [(measure(command, listing), {p: measure(c, listing) for p, c in peers.items()}) for _ in range(args.rounds)]
        ours = statistics.median(ours for ours, _ in rounds)
        for peer in peers:
            theirs = statistics.median(found[peer] for _, found in rounds)
            ratio = statistics.median(found[peer] / ours for ours, found in rounds)
            print(f"| {name} | {1e3 * ours:.2f} | {peer} | {1e3 * theirs:.2f} | {ratio:.1f} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("tumorlens")
    parser.add_argument("augment_speed")
    parser.add_argument("model")
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--only", default="")
    main(parser.parse_args())
