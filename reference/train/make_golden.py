"""Writes the golden values of losses, optimisers and schedules with PyTorch.

Run from this folder: `python make_golden.py`. Written with torch 2.15.0 on the CPU; other versions agree to the
tolerances of the tests. All inputs come from the integer hash `value` below, so nothing depends on a generator.
"""

import json

import torch
import torch.nn.functional as F


def value(i: int, scale: float = 1.0) -> float:
    """A number in [-scale/2, scale/2), the same on every machine."""
    return (((i * 2654435761) % 2**32) / 2**32 - 0.5) * scale


def values(n: int, start: int = 0, scale: float = 1.0) -> torch.Tensor:
    return torch.tensor([value(start + i, scale) for i in range(n)], dtype=torch.float32)


def image_case(name, classes, labels, smoothing=0.0, gamma=0.0, weights=None, mix=None):
    """Classes: two classes have one logit, that of class 1."""
    weights = weights or [1.0] * classes
    n = len(labels)
    raw = values(n * (1 if classes == 2 else classes), start=7 * classes, scale=8.0)
    logits = raw.double().requires_grad_()
    onehot = F.one_hot(torch.tensor(labels), classes).double()
    if mix is not None:
        onehot = mix * onehot + (1 - mix) * onehot.flip(0)
    w = torch.tensor(weights, dtype=torch.float64)
    if classes == 2:
        t = onehot[:, 1] * (1 - smoothing) + smoothing / 2
        if gamma > 0:  # torchvision.ops.sigmoid_focal_loss without alpha, for hard labels
            p = torch.sigmoid(logits)
            ce = F.binary_cross_entropy_with_logits(logits, t, reduction="none")
            loss = (ce * (1 - (p * t + (1 - p) * (1 - t))) ** gamma).mean()
        else:  # binary_cross_entropy has a weight for positives only, so class 0 has weight 1
            assert weights[0] == 1.0
            loss = F.binary_cross_entropy_with_logits(logits, t, pos_weight=w[1])
    else:
        z = logits.reshape(n, classes)
        if gamma > 0:
            pt = torch.softmax(z, 1).gather(1, torch.tensor(labels)[:, None])[:, 0]
            ce = F.cross_entropy(z, torch.tensor(labels), weight=w, reduction="none")
            loss = (ce * (1 - pt) ** gamma).mean()
        elif mix is None:
            loss = F.cross_entropy(z, torch.tensor(labels), weight=w, label_smoothing=smoothing, reduction="none").mean()
        else:
            loss = F.cross_entropy(z, onehot, weight=w, label_smoothing=smoothing, reduction="none").mean()
    loss.backward()
    return dict(
        name=name, classes=classes, label_smoothing=smoothing, focal_gamma=gamma, class_weights=weights,
        logits=raw.tolist(), targets=onehot.tolist(), value=loss.item(), gradient=logits.grad.flatten().tolist(),
    )


def map_loss(z, t, balance=1.0, pointing=0.0):
    """Cross entropy, balanced between inside and outside as far as asked for, soft Dice and the cross entropy of the
    choice of an outlined cell of one map of logits."""
    inner = F.binary_cross_entropy_with_logits(z, torch.ones_like(z), weight=t, reduction="sum")
    outer = F.binary_cross_entropy_with_logits(z, torch.zeros_like(z), weight=1 - t, reduction="sum")
    inside, outside = t.sum().item(), z.numel() - t.sum().item()
    weigh = lambda share, area: (share / area) ** balance * (1 / z.numel()) ** (1 - balance)
    entropy = weigh(1, outside) * outer if inside == 0 else weigh(0.5, inside) * inner + weigh(0.5, outside) * outer
    p = torch.sigmoid(z)
    dice = 1 - (2 * (p * t).sum() + 1) / (p.sum() + t.sum() + 1)
    chosen = -torch.log((F.softmax(z, 0) * t).sum()) if inside > 0 and pointing > 0 else 0
    return entropy + dice + pointing * chosen


def outline_case(name, targets, area, balance=1.0, pointing=0.0):
    """Targets: per image a list of per-output outlined shares, or None."""
    batch, outputs = len(targets), len(targets[0])
    raw = values(batch * outputs * area, start=100, scale=6.0)
    maps = raw.double().requires_grad_()
    loss = torch.zeros((), dtype=torch.float64)
    for i, target in enumerate(t for image in targets for t in image):
        if target is None:
            continue
        t = torch.tensor(target, dtype=torch.float32).double()
        loss = loss + map_loss(maps[i * area : (i + 1) * area], t, balance, pointing) / batch
    loss.backward()
    flat = [None if t is None else torch.tensor(t).tolist() for image in targets for t in image]
    return dict(name=name, batch=batch, maps=raw.tolist(), targets=flat, balance=balance, pointing=pointing,
                value=loss.item(), gradient=maps.grad.tolist())


def optimizer_case(name, config, make, rates, clip=0.0):
    weight, bias = torch.nn.Parameter(values(6, 1, 2.0)), torch.nn.Parameter(values(3, 50, 2.0))
    start = weight.tolist(), bias.tolist()
    optimizer = make(weight, bias)
    gradients, results = [], []
    for step, rate in enumerate(rates):
        weight.grad, bias.grad = values(6, 1000 * (step + 1), 3.0), values(3, 1000 * (step + 1) + 500, 3.0)
        gradients.append([weight.grad.tolist(), bias.grad.tolist()])
        if clip:
            torch.nn.utils.clip_grad_norm_([weight, bias], clip)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        results.append([weight.tolist(), bias.tolist()])
    return dict(name=name, optimizer=config, clip_norm=clip, rates=rates, weight=start[0], bias=start[1],
                gradients=gradients, values=results)


def optimizers():
    rates = [0.1, 0.1, 0.05, 0.02, 0.01]

    def groups(decay):
        return lambda weight, bias: [dict(params=[weight], weight_decay=decay), dict(params=[bias], weight_decay=0.0)]

    def adam(decay, clip=0.0):
        config = dict(kind="adam_w", beta1=0.9, beta2=0.99, epsilon=1e-8, weight_decay=decay)
        make = lambda w, b: torch.optim.AdamW(groups(decay)(w, b), lr=1.0, betas=(0.9, 0.99), eps=1e-8)
        return optimizer_case(f"adam_w decay {decay} clip {clip}", config, make, rates, clip)

    def sgd(momentum, nesterov, decay):
        config = dict(kind="sgd", momentum=momentum, nesterov=nesterov, weight_decay=decay)
        make = lambda w, b: torch.optim.SGD(groups(decay)(w, b), lr=1.0, momentum=momentum, nesterov=nesterov)
        return optimizer_case(f"sgd {momentum} {nesterov} {decay}", config, make, rates)

    return [adam(0.0), adam(0.3), adam(0.1, clip=0.5), sgd(0.0, False, 0.1), sgd(0.9, False, 0.1), sgd(0.9, True, 0.1)]


def schedule_case(name, config, steps, per_epoch, make, warm_up=0):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = make(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return dict(name=name, schedule=config, steps_per_epoch=per_epoch, warm_up=warm_up, rates=rates)


def schedules():
    s = torch.optim.lr_scheduler

    def warm_cosine(optimizer):
        warm = s.LinearLR(optimizer, start_factor=1 / 4, end_factor=1.0, total_iters=3)
        cosine = s.CosineAnnealingLR(optimizer, T_max=16, eta_min=0.0)
        return s.SequentialLR(optimizer, [warm, cosine], milestones=[4])

    return [
        schedule_case("cosine", dict(kind="cosine", floor=0.1), 20, 5, lambda o: s.CosineAnnealingLR(o, 20, eta_min=0.1)),
        schedule_case("cosine after warm-up", dict(kind="cosine"), 20, 5, warm_cosine, warm_up=4),
        schedule_case("one cycle", dict(kind="one_cycle"), 20, 5, lambda o: OneCycle(o, 20)),
        schedule_case("step", dict(kind="step", epochs=2, factor=0.5), 20, 5, lambda o: s.StepLR(o, 10, 0.5)),
    ]


class OneCycle(torch.optim.lr_scheduler.OneCycleLR):
    """As PyTorch's, without its error when asked for one step more than there are."""

    def __init__(self, optimizer, steps):
        self.asked = 0
        super().__init__(optimizer, 1.0, total_steps=steps, cycle_momentum=False)

    def step(self, epoch=None):
        self.asked += 1
        if self.asked <= self.total_steps:
            super().step()


def steps():
    """Three steps of a tiny network with batch normalisation and an evidence map."""
    conv = torch.nn.Conv2d(1, 4, 3, stride=2, padding=1, bias=False)
    norm = torch.nn.BatchNorm2d(4)
    head = torch.nn.Conv2d(4, 1, 1)
    with torch.no_grad():
        conv.weight.copy_(values(36, 3, 1.0).reshape(4, 1, 3, 3))
        head.weight.copy_(values(4, 77, 2.0).reshape(1, 4, 1, 1))
        head.bias.zero_()
    decay, free = [conv.weight, head.weight], [norm.weight, norm.bias, head.bias]
    optimizer = torch.optim.AdamW([dict(params=decay, weight_decay=0.01), dict(params=free, weight_decay=0.0)], lr=0.01)
    outline = torch.tensor([1.0 if i % 5 == 0 else 0.0 for i in range(16)])
    losses = []
    for step in range(3):
        images = values(3 * 64, 10_000 * (step + 1), 4.0).reshape(3, 1, 8, 8)
        maps = head(torch.relu(norm(conv(images)))).flatten(1)
        scores = maps.topk(4, 1).values.mean(1)
        image = F.binary_cross_entropy_with_logits(scores, torch.tensor([1.0, 0.0, 1.0]))
        masked = (map_loss(maps[0], outline) + map_loss(maps[1], torch.zeros(16))) / 3
        optimizer.zero_grad()
        (image + 0.5 * masked).backward()
        optimizer.step()
        losses.append([image.item(), masked.item()])
    modules = dict(conv1=conv, bn1=norm)
    weights = {f"{m}.{k}": v.flatten().tolist() for m, x in modules.items() for k, v in x.state_dict().items()}
    weights |= {f"head.map.{k}": v.flatten().tolist() for k, v in head.state_dict().items()}
    weights.pop("bn1.num_batches_tracked")
    return dict(losses=losses, weights=weights)


def write(name, content):
    with open(name, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1)
        file.write("\n")


part = [0.0, 0.25, 1.0, 0.5, 0.0, 0.0]
write("losses.json", dict(
    image=[
        image_case("binary", 2, [0, 1, 1, 0]),
        image_case("binary smoothed", 2, [0, 1, 1], smoothing=0.1),
        image_case("binary weighted", 2, [0, 1, 1], weights=[1.0, 2.5]),
        image_case("binary focal", 2, [0, 1, 1, 0], gamma=2.0),
        image_case("four classes", 4, [0, 3, 1]),
        image_case("four classes, smoothed and weighted", 4, [0, 3, 1], smoothing=0.2, weights=[0.5, 1.0, 2.0, 3.0]),
        image_case("three classes, focal and weighted", 3, [2, 0], gamma=1.5, weights=[0.5, 1.0, 2.0]),
        image_case("three classes, mixed", 3, [2, 0], smoothing=0.1, mix=0.3),
    ],
    outline=[
        outline_case("outlined", [[part]], 6),
        outline_case("nothing there", [[[0.0] * 6]], 6),
        outline_case("known, empty and unknown", [[part], [[0.0] * 6], [None]], 6),
        outline_case("every cell alike", [[part]], 6, balance=0.0),
        outline_case("between", [[part]], 6, balance=0.5),
        outline_case("between, known, empty and unknown", [[part], [[0.0] * 6], [None]], 6, balance=0.25),
        outline_case("pointing", [[part]], 6, pointing=0.5),
        outline_case("pointing, between, known, empty and unknown", [[part], [[0.0] * 6], [None]], 6, 0.25, 2.0),
        outline_case("three classes", [[[0.0] * 6, part, [0.0] * 6], [None, [0.0] * 6, [0.0] * 6]], 6),
    ],
))
write("optimizers.json", optimizers())
write("schedules.json", schedules())
write("steps.json", steps())
