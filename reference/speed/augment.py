"""Samples a second of an augmentation by torchvision.transforms.v2: the operations of tumorlens with the same
probabilities and sizes, on the same pictures of 128 pixels.

    python augment.py SECONDS [--workers 0] [--batch 32] < LIST_OF_FILES

--workers 2 gives the work to a DataLoader of two processes; without it one process uses two threads. Beside it:
`cargo run --release -p tumorlens-data --example augment_speed -- SECONDS < LIST_OF_FILES`. Prints one number.

| tumorlens | here |
|---|---|
| flip | RandomHorizontalFlip |
| affine and elastic in one bilinear resampling | RandomAffine, then ElasticTransform, bilinear |
| bias field | the exponential of a polynomial of degree 3, by tensors |
| contrast | ColorJitter of brightness and contrast |
| gamma | a random adjust_gamma |
| inversion | RandomInvert |
| blur, sharpen | GaussianBlur, RandomAdjustSharpness |
| low resolution | resize down and up |
| noise | GaussianNoise |
| compression | JPEG (on bytes, there and back) |
| erasing | RandomErasing |
| frame | four strips, by tensors |
| normalisation | Normalize |
"""
import argparse
import math
import sys
import time

import torch
from PIL import Image
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

SIDE = 128


class Gamma(v2.Transform):
    def transform(self, image, _):
        return functional.adjust_gamma(image, math.exp((2 * torch.rand(()).item() - 1) * 0.4))


class BiasField(v2.Transform):
    def __init__(self):
        super().__init__()
        x = torch.linspace(-1, 1, SIDE)[None, :]
        y = x.T
        powers = [x + 0 * y, y + 0 * x, x * x + 0 * y, x * y, y * y + 0 * x, x**3 + 0 * y, x * x * y, x * y * y, y**3 + 0 * x]
        self.powers = torch.stack(powers)

    def transform(self, image, _):
        coefficients = (2 * torch.rand(9) - 1) * 0.35
        field = image * torch.tensordot(coefficients, self.powers, 1).exp()
        return field * (image.max() / field.max().clamp(min=1e-6))


class Frame(v2.Transform):
    def transform(self, image, _):
        left, top, right, bottom = (torch.rand(4) * 0.06 * SIDE).round().int().tolist()
        framed = torch.full_like(image, max(0.0, 2 * torch.rand(()).item() - 1))
        framed[..., top : SIDE - bottom, left : SIDE - right] = image[..., top : SIDE - bottom, left : SIDE - right]
        return framed


class LowResolution(v2.Transform):
    def transform(self, image, _):
        side = round(SIDE / (1 + 1.5 * torch.rand(()).item()))
        return functional.resize(functional.resize(image, [side, side], antialias=True), [SIDE, SIDE])


class Compression(v2.Transform):
    def transform(self, image, _):
        quality = max(1, round(100 - 75 * torch.rand(()).item()))
        return functional.jpeg((image * 255).to(torch.uint8), quality).float() / 255


def pipeline():
    def at(probability, transform):
        return v2.RandomApply([transform], probability)

    return v2.Compose([
        v2.RandomHorizontalFlip(0.5),
        at(0.8, v2.RandomAffine(15, translate=(0.06, 0.06), scale=(1 / 1.12, 1.12), shear=6,
                                interpolation=v2.InterpolationMode.BILINEAR)),
        at(0.2, v2.ElasticTransform(alpha=50.0, sigma=5.0)),
        at(0.3, BiasField()),
        at(0.3, v2.ColorJitter(brightness=0.1, contrast=0.35)),
        at(0.3, Gamma()),
        v2.RandomInvert(0.05),
        at(0.1, v2.GaussianBlur(7, (0.3, 1.2))),
        v2.RandomAdjustSharpness(2.0, 0.1),
        at(0.1, LowResolution()),
        at(0.2, v2.GaussianNoise(sigma=0.03)),
        at(0.1, Compression()),
        v2.RandomErasing(0.1, (0.01, 0.04)),
        at(0.1, Frame()),
        v2.Normalize([0.3], [0.25]),
    ])


class Pictures(torch.utils.data.Dataset):
    def __init__(self, paths):
        grey = [Image.open(path).convert("L").resize((SIDE, SIDE), Image.Resampling.BICUBIC) for path in paths]
        self.pictures = [functional.to_dtype(functional.pil_to_tensor(g), torch.float32, scale=True) for g in grey]
        self.augment = pipeline()

    def __len__(self):
        return len(self.pictures)

    def __getitem__(self, i):
        return self.augment(self.pictures[i])


def main(args):
    torch.set_num_threads(1 if args.workers else 2)
    pictures = Pictures(sys.stdin.read().split("\n")[:-1])
    loader = torch.utils.data.DataLoader(pictures, args.batch, num_workers=args.workers, persistent_workers=args.workers > 0)
    sum(len(batch) for batch in loader)
    start, samples = time.perf_counter(), 0
    while time.perf_counter() < start + args.seconds:
        samples += sum(len(batch) for batch in loader)
    print(samples / (time.perf_counter() - start))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("seconds", type=float)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--batch", type=int, default=32)
    main(parser.parse_args())
