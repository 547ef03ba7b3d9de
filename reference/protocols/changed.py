"""How the built-in model does on pictures that were changed as other hands change them.

    python changed.py D tumorlens OUT

D is a prepared dataset (paths in its manifest are taken from there), `tumorlens` the program. The pictures of the test part are written to OUT in
grey, once as they are and once for each change, and judged by `predict --csv`. Prints one row of a table for each change: AUROC, sensitivity and
specificity of those that are judged at all, and how many are refused and referred. Needs NumPy and Pillow.
"""

import csv
import io
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter


def picture(grey):
    return Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8))


def numbers(image):
    return np.asarray(image).astype(np.float32)


def resized(grey, width, height):
    return numbers(picture(grey).resize((max(1, int(width)), max(1, int(height))), Image.BILINEAR))


def compressed(grey, quality):
    file = io.BytesIO()
    picture(grey).save(file, "JPEG", quality=quality)
    return numbers(Image.open(file))


def blurred(grey):
    return numbers(picture(grey).filter(ImageFilter.GaussianBlur(max(grey.shape) / 150)))


def noisy(grey, sigma):
    return grey + np.random.default_rng(0).normal(0, sigma, grey.shape)


def framed(grey):
    return np.pad(grey, [(side // 6, side // 6) for side in grey.shape])


def written_on(grey):
    image = picture(grey)
    draw = ImageDraw.Draw(image)
    draw.text((4, 4), "HOSPITAL A  1975-02-03", fill=255)
    draw.text((4, grey.shape[0] - 14), "TR 500 TE 12", fill=255)
    draw.text((grey.shape[1] - 40, 4), "R 12/24", fill=255)
    return numbers(image)


CHANGES = {
    "as it is": lambda g: g,
    "mirrored": lambda g: g[:, ::-1],
    "upside down": lambda g: g[::-1],
    "quarter turn": np.rot90,
    "half the size": lambda g: resized(g, g.shape[1] / 2, g.shape[0] / 2),
    "0.8 times as wide": lambda g: resized(g, 0.8 * g.shape[1], g.shape[0]),
    "black frame": framed,
    "black frame with noise": lambda g: framed(g) + np.abs(noisy(np.zeros_like(framed(g)), 6)),
    "text in the corners": written_on,
    "blurred": blurred,
    "JPEG of quality 20": lambda g: compressed(g, 20),
    "noise of 8 % of the range": lambda g: noisy(g, 20),
    "gamma 0.5": lambda g: 255 * (g / 255) ** 0.5,
    "gamma 2": lambda g: 255 * (g / 255) ** 2,
    "negative": lambda g: 255 - g,
}


def main(dataset, program, out):
    with open(dataset / "manifest.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "test" and "@" not in row["path"]]
    out.mkdir(parents=True, exist_ok=True)
    names = list(CHANGES)
    for number, row in enumerate(rows):
        grey = numbers(Image.open(dataset / row["path"]).convert("L"))
        for change, name in enumerate(names):
            picture(CHANGES[name](grey)).save(out / f"{change}-{number}.png")
    answer = subprocess.run([program, "predict", "-q", "--csv", out], stdout=subprocess.PIPE, text=True)
    judged = defaultdict(list)
    for line in csv.DictReader(answer.stdout.splitlines()):
        change, number = map(int, Path(line["path"]).stem.split("-"))
        judged[change].append((rows[number]["label"] == "tumor", line["probability"], line["verdict"]))
    print("| change | AUROC | sensitivity | specificity | refused | referred |\n|---|---|---|---|---|---|")
    for change, name in enumerate(names):
        verdicts = Counter(verdict for _, _, verdict in judged[change])
        tumors = np.array([float(p) for tumor, p, _ in judged[change] if p and tumor])
        others = np.array([float(p) for tumor, p, _ in judged[change] if p and not tumor])
        figures = ["", "", ""]
        if len(tumors) and len(others):
            above = (tumors[:, None] > others).mean() + 0.5 * (tumors[:, None] == others).mean()
            figures = [f"{f:.3f}" for f in (above, (tumors >= 0.5).mean(), (others < 0.5).mean())]
        print(f"| {name} | {' | '.join(figures)} | {verdicts['refused']} | {verdicts['refer']} |")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
