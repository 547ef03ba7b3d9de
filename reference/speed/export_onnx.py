"""Writes the network of a bundle as ONNX: the same layers with the same weights, run by others.

    python export_onnx.py BUNDLE MODEL.onnx

Beside MODEL.onnx it writes MODEL.json: how images are prepared and logits become probabilities. Needs torch, onnx and
safetensors.
"""
import json
import math
import pathlib
import struct
import sys

import safetensors.torch
import torch
from torch import nn
from torch.nn import functional

ACTIVATIONS = {"relu": nn.ReLU, "leaky_relu": nn.LeakyReLU, "gelu": nn.GELU, "silu": nn.SiLU, "elu": nn.ELU}


def parts(bundle):
    """The named parts of a bundle; its layout is in crates/tumorlens-nn/src/bundle/container.rs."""
    length = struct.unpack_from("<I", bundle, 12)[0]
    found, at = {}, 16 + length
    for entry in json.loads(bundle[16:at]):
        found[entry["name"]] = bundle[at : at + entry["bytes"]]
        at += entry["bytes"]
    return found


class Upsample(nn.Module):
    def __init__(self, op):
        super().__init__()
        self.size = (op["height"], op["width"])

    def forward(self, x):
        return functional.interpolate(x, size=self.size, mode="bilinear", align_corners=False)


class EvidencePool(nn.Module):
    """Mean of the largest share of a map."""

    def __init__(self, op, shape):
        super().__init__()
        area = shape[1] * shape[2]
        self.count = min(max(round(op["top"] * area), 1), area)

    def forward(self, x):
        return x.flatten(2).topk(self.count, dim=2).values.mean(2)


class SoftMaximum(nn.Module):
    """Between the mean of a map and its maximum."""

    def __init__(self, op, shape):
        super().__init__()
        self.sharpness, self.area = op["sharpness"], shape[1] * shape[2]

    def forward(self, x):
        raised = torch.logsumexp(self.sharpness * x.flatten(2), dim=2)
        return (raised - math.log(self.area)) / self.sharpness


class Add(nn.Module):
    def forward(self, a, b):
        return a + b


def layer(op, shape):
    """The module of an operation of the graph."""
    kind = op["op"]
    if kind == "conv":
        return nn.Conv2d(op["inputs"], op["outputs"], op["kernel"], op["stride"], op["padding"], bias=op["bias"])
    if kind == "depthwise":
        n = op["channels"]
        return nn.Conv2d(n, n, op["kernel"], op["stride"], op["padding"], groups=n, bias=False)
    if kind == "batch_norm":
        return nn.BatchNorm2d(op["channels"])
    if kind == "activate":
        return ACTIVATIONS[op["activation"]]()
    if kind == "max_pool":
        return nn.MaxPool2d(op["kernel"], op["stride"], op["padding"])
    if kind == "avg_pool":
        return nn.AdaptiveAvgPool2d(op["side"])
    if kind == "linear":
        return nn.Linear(op["inputs"], op["outputs"])
    if kind == "upsample":
        return Upsample(op)
    if kind == "evidence_pool":
        return EvidencePool(op, shape)
    if kind == "soft_maximum":
        return SoftMaximum(op, shape)
    simple = {"input": nn.Identity, "flatten": nn.Flatten, "dropout": nn.Identity, "add": Add}
    return simple[kind]()


class Net(nn.Module):
    """A graph, node by node."""

    def __init__(self, graph, weights):
        super().__init__()
        self.nodes, self.logits = graph["nodes"], graph["logits"]
        self.layers = nn.ModuleList()
        values = []
        with torch.no_grad():
            for node in self.nodes:
                inputs = [values[i] for i in node["inputs"]] or [torch.zeros(1, *graph["input"])]
                module = layer(node["op"], inputs[0].shape[1:]).eval()
                mine = {k.removeprefix(node["name"] + "."): v.float() for k, v in weights.items() if k.rpartition(".")[0] == node["name"]}
                if mine:
                    module.load_state_dict(mine, strict=False)
                self.layers.append(module)
                values.append(module(*inputs))

    def forward(self, x):
        values = []
        for node, module in zip(self.nodes, self.layers):
            values.append(module(*([values[i] for i in node["inputs"]] or [x])))
        return values[self.logits]


def main(bundle, target):
    found = parts(pathlib.Path(bundle).read_bytes())
    graph = json.loads(found["graph.json"])
    net = Net(graph, safetensors.torch.load(found["weights.safetensors"])).eval()
    example = torch.zeros(2, *graph["input"])
    torch.onnx.export(net, (example,), target, dynamo=False, opset_version=17, input_names=["x"], output_names=["y"],
                      dynamic_axes={"x": {0: "n"}, "y": {0: "n"}})
    about = {"preprocess": json.loads(found["preprocess.json"]), "decision": json.loads(found["decision.json"])}
    pathlib.Path(target).with_suffix(".json").write_text(json.dumps(about))


if __name__ == "__main__":
    main(*sys.argv[1:])
