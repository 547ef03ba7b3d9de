"""Golden values for `crates/tumorlens-nn/tests/zoo.rs` and `init.rs`, by PyTorch and torchvision.

    python make_golden.py                writes zoo.json, tiny.* and refused/* beside this script
    python make_golden.py --random DIR   writes resnet18.pth, resnet18.safetensors and resnet18.json into DIR

Weights and inputs of zoo.json are not stored: both sides compute them by `value` below from the tensor's name
and the position in it.
"""
import collections
import json
import os
import pathlib
import pickle
import sys
import zipfile

import numpy as np
import torch
import torchvision
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F
from torchvision.models import resnet18, resnet34, resnet50
from torchvision.models.vgg import VGG, cfgs, make_layers

HERE = pathlib.Path(__file__).parent


def value(name, count):
    """`count` values in [-1, 1): FNV-1a of the name plus the position, mixed by C. Wellons' lowbias32."""
    seed = 2166136261
    for byte in name.encode():
        seed = (seed ^ byte) * 16777619 % 2**32
    with np.errstate(over="ignore"):
        x = np.arange(count, dtype=np.uint32) + np.uint32(seed)
        x ^= x >> np.uint32(16)
        x *= np.uint32(0x7FEB352D)
        x ^= x >> np.uint32(15)
        x *= np.uint32(0x846CA68B)
        x ^= x >> np.uint32(16)
    return x.astype(np.float64) / 2**31 - 1


def weight(name, shape):
    """A parameter: weights of convolutions and dense layers keep the variance (He et al. 2015)."""
    v = value(name, int(np.prod(shape)))
    if name.endswith("running_mean"):
        v = 0.1 * v
    elif name.endswith("running_var"):
        v = 1 + 0.25 * v
    elif name.endswith("bias"):
        v = 0.1 * v
    elif len(shape) == 1:  # scale of a batch normalisation
        v = 1 + 0.25 * v
    else:
        v = v * np.sqrt(6 / np.prod(shape[1:]))
    return torch.from_numpy(v.astype(np.float32)).reshape(shape)


def fill(model):
    state = model.state_dict()
    for name, tensor in state.items():
        if not name.endswith("num_batches_tracked"):
            tensor.copy_(weight(name, tuple(tensor.shape)))
    return model


def images(n, channels, height, width):
    v = value("input", n * channels * height * width)
    return torch.from_numpy(v.astype(np.float32)).reshape(n, channels, height, width)


class Cnn(nn.Module):
    """Three blocks of convolution, batch normalisation, ReLU and pooling, then a hidden dense layer."""

    def __init__(self, outputs, dropout):
        super().__init__()
        for n, (i, o) in enumerate(((1, 32), (32, 64), (64, 128)), 1):
            setattr(self, f"conv{n}", nn.Conv2d(i, o, 3, padding=1))
            setattr(self, f"bn{n}", nn.BatchNorm2d(o))
        self.fc1, self.drop, self.fc2 = nn.Linear(128, 128), nn.Dropout(dropout), nn.Linear(128, outputs)

    def forward(self, x):
        for n in (1, 2, 3):
            x = F.max_pool2d(F.relu(getattr(self, f"bn{n}")(getattr(self, f"conv{n}")(x))), 2)
        x = F.adaptive_avg_pool2d(x, 1).flatten(1)
        return self.fc2(self.drop(F.relu(self.fc1(x))))


class Evidence(nn.Module):
    """The evidence head on a resnet18, written independently of the Rust code."""

    def __init__(self, stride, top, channels, outputs):
        super().__init__()
        trunk = grey(resnet18())
        for name, child in trunk.named_children():
            if name not in ("avgpool", "fc"):
                self.add_module(name, child)
        self.top, self.head = top, nn.Module()
        self.strides = [s for s in (32, 16, 8, 4) if s >= stride]
        for s in self.strides:
            setattr(self.head, f"lateral{s}", nn.Conv2d(16 * s, channels, 1, bias=False))
            setattr(self.head, f"lateral{s}_bn", nn.BatchNorm2d(channels))
            if s != 32:
                self.smooth(f"smooth{s}", channels)
        self.smooth("refine", channels)
        self.head.map = nn.Conv2d(channels, outputs, 1)

    def smooth(self, name, channels):
        setattr(self.head, name, nn.Conv2d(channels, channels, 3, padding=1, bias=False))
        setattr(self.head, name + "_bn", nn.BatchNorm2d(channels))

    def apply_head(self, name, x):
        return getattr(self.head, name + "_bn")(getattr(self.head, name)(x))

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        maps = {}
        for n, s in enumerate((4, 8, 16, 32), 1):
            x = maps[s] = getattr(self, f"layer{n}")(x)
        y = None
        for s in self.strides:
            lateral = self.apply_head(f"lateral{s}", maps[s])
            if y is None:
                y = lateral
            else:
                up = F.interpolate(y, lateral.shape[2:], mode="bilinear", align_corners=False)
                y = F.relu(self.apply_head(f"smooth{s}", up + lateral))
        evidence = self.head.map(F.relu(self.apply_head("refine", y)))
        area = evidence.shape[2] * evidence.shape[3]
        best = evidence.flatten(2).topk(max(1, round(self.top * area)), dim=2).values
        self.evidence = evidence
        return best.mean(2)


def grey(model):
    """The same net for one channel."""
    first = model.conv1
    model.conv1 = nn.Conv2d(1, first.out_channels, 7, 2, 3, bias=False)
    return model


def vgg(letter, dense, outputs, channels):
    """torchvision's VGG with batch normalisation; dense layers narrowed so that a test need not hold 100 M weights."""
    model = VGG(make_layers(cfgs[letter], batch_norm=True), num_classes=outputs, init_weights=False)
    if channels == 1:
        model.features[0] = nn.Conv2d(1, 64, 3, padding=1)
    model.classifier[0] = nn.Linear(512 * 7 * 7, dense)
    model.classifier[3] = nn.Linear(dense, dense)
    model.classifier[6] = nn.Linear(dense, outputs)
    return model


def numbers(tensor):
    return [float(f"{v:.9g}") for v in tensor.detach().flatten().tolist()]


def inference_cases():
    size, outputs, dense = (64, 64), 3, 64
    models = {
        "cnn": (1, Cnn(outputs, 0.5)),
        "vgg11": (3, vgg("A", dense, outputs, 3)),
        "vgg13": (1, vgg("B", dense, outputs, 1)),
        "vgg16": (3, vgg("D", dense, outputs, 3)),
        "vgg19": (1, vgg("E", dense, outputs, 1)),
        "resnet18": (3, resnet18(num_classes=outputs)),
        "resnet34": (1, grey(resnet34(num_classes=outputs))),
        "resnet50": (3, resnet50(num_classes=outputs)),
    }
    for name, (channels, model) in models.items():
        with torch.no_grad():
            logits = fill(model).eval()(images(2, channels, *size))
        case = {"model": name, "channels": channels, "height": size[0], "width": size[1], "outputs": outputs}
        yield case | ({"dense": dense} if name.startswith("vgg") else {}) | {"logits": numbers(logits)}


def training_cases():
    """Loss, and for each parameter the norm of its gradient and its product with a fixed direction."""
    models = {
        "cnn": ((64, 64), Cnn(1, 0.0)),
        "resnet18": ((64, 64), grey(resnet18(num_classes=1))),
        "resnet18 evidence": ((50, 77), Evidence(stride=4, top=0.02, channels=64, outputs=1)),
    }
    for name, (size, model) in models.items():
        logits = fill(model).train()(images(4, 1, *size))
        loss = F.binary_cross_entropy_with_logits(logits, torch.tensor([[1.0], [0.0], [1.0], [0.0]]))
        loss.backward()
        gradients = {}
        for parameter, tensor in model.named_parameters():
            direction = torch.from_numpy(value(parameter + ".direction", tensor.numel()))
            gradient = tensor.grad.double().flatten()
            gradients[parameter] = numbers(torch.stack([gradient.norm(), gradient @ direction]))
        case = {"model": name, "height": size[0], "width": size[1], "loss": loss.item(), "logits": numbers(logits)}
        yield case | {"gradients": gradients}


def write_zoo():
    versions = {"torch": torch.__version__, "torchvision": torchvision.__version__, "numpy": np.__version__}
    zoo = {"versions": versions, "inference": list(inference_cases()), "training": list(training_cases())}
    (HERE / "zoo.json").write_text(json.dumps(zoo, indent=1) + "\n")


def write_tiny():
    """The start of a torchvision net, small enough to commit, in every form that is read."""
    torch.manual_seed(0)
    net = nn.Sequential(collections.OrderedDict(conv1=nn.Conv2d(3, 4, 3, padding=1), bn1=nn.BatchNorm2d(4)))
    state = net.state_dict()
    torch.save(state, HERE / "tiny.pth")
    save_file(state, HERE / "tiny.safetensors")
    channels_last = net.to(memory_format=torch.channels_last).state_dict()
    torch.save(channels_last, HERE / "tiny_channels_last.pth")
    for kind in (torch.float16, torch.bfloat16):
        short = {n: t.to(kind) if t.is_floating_point() else t for n, t in state.items()}
        name = "tiny_" + str(kind).removeprefix("torch.")
        torch.save(short, HERE / f"{name}.pth")
        save_file({n: t.contiguous() for n, t in short.items()}, HERE / f"{name}.safetensors")
    expected = {n: numbers(t) for n, t in state.items() if t.is_floating_point()}
    (HERE / "tiny.json").write_text(json.dumps(expected) + "\n")


class RunsSomething:
    def __reduce__(self):
        return os.system, ("echo this must never be printed",)


def write_refused():
    """Files that must not load. The first would run a command in a program that trusts pickles."""
    folder = HERE / "refused"
    folder.mkdir(exist_ok=True)
    net = nn.Linear(2, 2)
    torch.save({"weight": RunsSomething()}, folder / "command.pth")
    torch.save(net, folder / "whole_module.pth")
    torch.save({"epoch": 3, "model": net.state_dict()}, folder / "checkpoint_with_epoch.pth")
    torch.save([net.weight.detach()], folder / "list.pth")
    torch.save({"weight": torch.tensor([1.0, float("nan")])}, folder / "nan.pth")
    torch.save({"weight": torch.arange(3)}, folder / "integers.pth")
    torch.save({"weight": torch.zeros(1).expand(5)}, folder / "expanded.pth")
    torch.save(net.state_dict(), folder / "legacy.pth", _use_new_zipfile_serialization=False)
    (folder / "bare_pickle.pth").write_bytes(pickle.dumps({"weight": [1.0]}))
    with zipfile.ZipFile(HERE / "tiny.pth") as source:
        with zipfile.ZipFile(folder / "compressed.pth", "w", zipfile.ZIP_DEFLATED) as target:
            for name in source.namelist():
                target.writestr(zipfile.ZipInfo(name), source.read(name), zipfile.ZIP_DEFLATED)


def write_random(folder):
    """A whole randomly initialised torchvision net and its answers."""
    torch.manual_seed(0)
    model = resnet18().eval()
    torch.save(model.state_dict(), folder / "resnet18.pth")
    save_file(model.state_dict(), folder / "resnet18.safetensors")
    with torch.no_grad():
        logits = model(images(1, 3, 64, 64))
        equal_channels = model(images(1, 1, 64, 64).expand(1, 3, 64, 64))
    answers = {"logits": numbers(logits), "grey_logits": numbers(equal_channels)}
    (folder / "resnet18.json").write_text(json.dumps(answers) + "\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    if sys.argv[1:2] == ["--random"]:
        write_random(pathlib.Path(sys.argv[2]))
    else:
        write_zoo()
        write_tiny()
        write_refused()
