"""Golden maps for tests/explain_golden.rs, by pytorch-grad-cam and Captum on the network below.

    python make_golden.py > golden.json

Weights and image are not stored: both sides compute them by `hashed`. Written with torch 2.15.0, grad-cam 1.5.7,
captum 0.9.0, numpy 2.4.6.
"""

import hashlib
import json
import math
import sys

import numpy as np
import torch
from captum.attr import IntegratedGradients, Occlusion, Saliency
from pytorch_grad_cam import AblationCAM, GradCAM, GradCAMPlusPlus, HiResCAM, LayerCAM, ScoreCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import nn

SHAPE = (3, 16, 16)
MASK = 0xFFFFFFFF


def hashed(stream, n, scale):
    """n values in [-scale / 2, scale / 2), from an integer hash of (stream, position)."""
    values = []
    for i in range(n):
        h = ((i + 1) * 2654435761 + stream * 2246822519) & MASK
        h ^= h >> 15
        h = (h * 3266489917) & MASK
        h ^= h >> 13
        values.append((h / 2**32 - 0.5) * scale)
    return torch.tensor(values, dtype=torch.float32)


class Net(nn.Module):
    """Flattening head, so that Grad-CAM and HiResCAM differ; batch norm, so that running statistics matter."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(4)
        self.relu1 = nn.ReLU()
        self.pool1 = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(4, 6, 3, padding=1)
        self.relu2 = nn.ReLU()
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(6 * 8 * 8, 3)

    def forward(self, x):
        x = self.pool1(self.relu1(self.bn1(self.conv1(x))))
        return self.fc(self.flatten(self.relu2(self.conv2(x))))


def network():
    net = Net().eval()
    state = net.state_dict()
    names = [name for name in state if not name.endswith("num_batches_tracked")]
    for stream, name in enumerate(names, start=1):
        value = hashed(stream, state[name].numel(), 1.0).reshape(state[name].shape)
        # A variance must be positive, a scale had better be.
        state[name] = value + 1.0 if name in ("bn1.weight", "bn1.running_var") else value
    net.load_state_dict(state)
    return net


def interpolate(values, size):
    return nn.functional.interpolate(values, size=size, mode="bilinear", align_corners=False)


class HalfPixelUpsampling(nn.Module):
    """pytorch-grad-cam aligns corners when Score-CAM enlarges a channel; the authors of Score-CAM do not, and
    neither does pytorch-grad-cam when it enlarges the finished map. At a layer of full size there is no difference,
    and that row is the library untouched."""

    def __init__(self, size):
        super().__init__()
        self.size = size

    def forward(self, x):
        return interpolate(x, self.size)


def cam(method, layer, image, target):
    net = network()
    targets = [ClassifierOutputTarget(target)]
    aligned = nn.UpsamplingBilinear2d
    if method is ScoreCAM and layer != "relu1":
        nn.UpsamplingBilinear2d = HalfPixelUpsampling
    with method(model=net, target_layers=[getattr(net, layer)]) as explainer:
        raw = []
        inner = explainer.get_cam_image

        def get_cam_image(*arguments):
            raw.append(inner(*arguments))
            return raw[-1]

        explainer.get_cam_image = get_cam_image
        scaled = explainer(input_tensor=image, targets=targets)[0]
    nn.UpsamplingBilinear2d = aligned
    raw = torch.tensor(np.maximum(raw[0], 0))
    if method is AblationCAM:
        # The library divides the lost score by the score.
        raw = raw * network()(image)[0, target].item()
    return interpolate(raw[None], SHAPE[1:])[0, 0], scaled


class Seed:
    """tumorlens_core::Seed: derivation by SHA-256, xoshiro256++ seeded by SplitMix64."""

    def __init__(self, value):
        self.value = value

    def _hash(self, kind, data):
        digest = hashlib.sha256(self.value.to_bytes(8, "little") + kind + data).digest()
        return Seed(int.from_bytes(digest[:8], "little"))

    def derive(self, name):
        return self._hash(b"n", name.encode())

    def index(self, number):
        return self._hash(b"i", number.to_bytes(8, "little"))

    def uniforms(self):
        m = 2**64 - 1
        state, x = [], self.value
        for _ in range(4):
            x = (x + 0x9E3779B97F4A7C15) & m
            z = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & m
            z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & m
            state.append(z ^ (z >> 31))

        def rotl(v, k):
            return ((v << k) | (v >> (64 - k))) & m

        while True:
            yield (((rotl((state[0] + state[3]) & m, 23) + state[0]) & m) >> 11) * 2.0**-53
            t = (state[1] << 17) & m
            state[2] ^= state[0]
            state[3] ^= state[1]
            state[1] ^= state[2]
            state[0] ^= state[3]
            state[2] ^= t
            state[3] = rotl(state[3], 45)


def normal(n, seed):
    """Box and Muller, two values from each pair of uniforms."""
    values, uniforms = [], seed.uniforms()
    while len(values) < n:
        radius, angle = math.sqrt(-2 * math.log(1 - next(uniforms))), 2 * math.pi * next(uniforms)
        values += [radius * math.cos(angle), radius * math.sin(angle)]
    return torch.tensor(values[:n], dtype=torch.float32)


def smooth_grad(image, target):
    area = SHAPE[1] * SHAPE[2]
    deviation = 0.15 * (image.max() - image.min())
    noise = torch.stack([normal(area, Seed(0).derive("smooth_grad").index(i)) for i in range(32)])
    noisy = image + deviation * noise.reshape(32, 1, *SHAPE[1:])
    gradients = Saliency(network()).attribute(noisy, target=target, abs=False)
    return gradients.mean(0).sum(0).abs()


def integrated_gradients(image, target):
    darkest = image.amin(dim=(2, 3), keepdim=True).expand_as(image)
    explain = IntegratedGradients(network()).attribute
    return explain(image, baselines=darkest, target=target, n_steps=32, method="riemann_middle")[0].sum(0)


def occlusion(image, target):
    explain = Occlusion(network()).attribute
    return explain(image, sliding_window_shapes=(3, 2, 2), strides=(3, 1, 1), baselines=0, target=target)[0, 0]


def rounded(values):
    return [float(f"{v:.7g}") for v in np.asarray(values.detach() if torch.is_tensor(values) else values).ravel()]


def main():
    image = hashed(99, math.prod(SHAPE), 2.0).reshape(1, *SHAPE)
    logits = network()(image)[0]
    target = int(logits.argmax())
    assert logits[target] > 0, "Ablation-CAM of the library turns the map over where the score is negative"
    methods = {
        "grad_cam": GradCAM,
        "grad_cam_plus_plus": GradCAMPlusPlus,
        "hires_cam": HiResCAM,
        "layer_cam": LayerCAM,
        "score_cam": ScoreCAM,
        "ablation_cam": AblationCAM,
    }
    maps = []
    for layer in ("relu1", "relu2"):
        for name, method in methods.items():
            raw, scaled = cam(method, layer, image, target)
            maps.append({"method": name, "layer": layer, "raw": rounded(raw), "scaled": rounded(scaled)})
    for explain in (integrated_gradients, smooth_grad, occlusion):
        maps.append({"method": explain.__name__, "layer": "", "raw": rounded(explain(image, target))})
    json.dump({"logits": rounded(logits), "target": target, "maps": maps}, sys.stdout, separators=(",", ":"))


main()
