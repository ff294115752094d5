"""The networks of bench/kit/cases.py in PyTorch, layer for layer, and their made-up data."""
import os
import sys

import torch
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "kit"))
import cases  # noqa: E402


def lenet5(size, classes):
    channels, side, _ = size
    after = (((side // 2) - 4) // 2) - 4
    return nn.Sequential(
        nn.Conv2d(channels, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 120, 5), nn.ReLU(), nn.Flatten(),
        nn.Linear(120 * after * after, 84), nn.ReLU(), nn.Linear(84, classes))


def small_cnn(size, classes):
    channels, side, _ = size
    return nn.Sequential(
        nn.Conv2d(channels, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(64 * (side // 4) ** 2, 128), nn.ReLU(), nn.Linear(128, classes))


def vgg11(size, classes):
    inputs, side, _ = size
    layers = []
    for group in ([64], [128], [256, 256], [512, 512], [512, 512]):
        for outputs in group:
            layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(inplace=True)]
            inputs = outputs
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(
        *layers, nn.Flatten(), nn.Linear(512 * (side // 32) ** 2, 512), nn.ReLU(inplace=True),
        nn.Linear(512, classes))


def conv_norm(inputs, outputs, kernel, stride, pad):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, pad, bias=False), nn.BatchNorm2d(outputs))


class BasicBlock(nn.Module):
    """relu(norm(conv(relu(norm(conv(x))))) + shortcut(x)); the shortcut is a 1x1 convolution
    where shapes differ."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.first = conv_norm(inputs, outputs, 3, stride, 1)
        self.second = conv_norm(outputs, outputs, 3, 1, 1)
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else conv_norm(inputs, outputs, 1, stride, 0)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        y = self.second(self.relu(self.first(x)))
        return self.relu(y + self.shortcut(x))


def stages(inputs, widths, blocks):
    layers = []
    for stage, outputs in enumerate(widths):
        for block in range(blocks):
            layers.append(BasicBlock(inputs, outputs, 2 if stage and not block else 1))
            inputs = outputs
    return layers


def resnet20(size, classes):
    return nn.Sequential(
        conv_norm(size[0], 16, 3, 1, 1), nn.ReLU(inplace=True), *stages(16, (16, 32, 64), 3),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, classes))


def resnet18(size, classes):
    return nn.Sequential(
        conv_norm(size[0], 64, 7, 2, 3), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1),
        *stages(64, (64, 128, 256, 512), 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(512, classes))


def tiny_yolo(size, outputs):
    """The first YOLO's small backbone: 3x3 convolutions, batch norm, leaky ReLU; pooling behind six
    of the eight; one dense layer."""
    layers, inputs, side = [], size[0], size[1]
    for i, width in enumerate((16, 32, 64, 128, 256, 512, 1024, 256)):
        layers += [conv_norm(inputs, width, 3, 1, 1), nn.LeakyReLU(0.1, inplace=True)]
        inputs = width
        if i < 6:
            layers.append(nn.MaxPool2d(2))
            side //= 2
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(inputs * side * side, outputs))


class CnnBigru(nn.Module):
    """Embedding, convolution of 3, ReLU, max pooling by 2, GRU both ways, dense on both last
    states."""

    def __init__(self, size, classes, width=128, filters=128, hidden=128):
        super().__init__()
        del size
        self.embedding = nn.Embedding(cases.VOCABULARY, width)
        self.conv = nn.Conv1d(width, filters, 3, padding=1)
        self.gru = nn.GRU(filters, hidden, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(2 * hidden, classes)

    def forward(self, tokens):
        x = self.embedding(tokens).transpose(1, 2)
        x = F.max_pool1d(F.relu(self.conv(x)), 2).transpose(1, 2)
        last = self.gru(x)[1]
        return self.fc(torch.cat((last[0], last[1]), 1))


class TextCnn(nn.Module):
    """Embedding, convolutions of three lengths side by side, ReLU, maximum over time, dropout,
    dense."""

    def __init__(self, size, classes, width=300, filters=256, kernels=(2, 3, 4)):
        super().__init__()
        del size
        self.embedding = nn.Embedding(cases.VOCABULARY, width)
        self.convs = nn.ModuleList(nn.Conv1d(width, filters, k) for k in kernels)
        self.dropout = nn.Dropout(0.5)
        self.fc = nn.Linear(filters * len(kernels), classes)

    def forward(self, tokens):
        x = self.embedding(tokens).transpose(1, 2)
        x = torch.cat([F.relu(conv(x)).amax(2) for conv in self.convs], 1)
        return self.fc(self.dropout(x))


BUILDERS = {
    "lenet5": lenet5, "small-cnn": small_cnn, "resnet20": resnet20, "vgg11-64": vgg11,
    "resnet18-64": resnet18, "resnet18-224": resnet18, "cnn-bigru-64": CnnBigru,
    "cnn-bigru-32": CnnBigru, "textcnn-32": TextCnn, "tiny-yolo": tiny_yolo}


def build(name):
    """The network of a case, its parameters from a fixed seed."""
    torch.manual_seed(1234)
    case = cases.named(name)
    return BUILDERS[name](case.size, case.classes)


def samples(name, count):
    """Made-up pictures (mean 0, deviation 1) or tokens, from a fixed seed."""
    case, generator = cases.named(name), torch.Generator().manual_seed(7)
    if cases.is_text(case):
        return torch.randint(0, cases.VOCABULARY, (count, *case.size), generator=generator)
    return torch.randn(count, *case.size, generator=generator)


def targets(name, count):
    """Labels; of tiny-yolo what the squares are taken from."""
    case, generator = cases.named(name), torch.Generator().manual_seed(8)
    if name == "tiny-yolo":
        return torch.randn(count, case.classes, generator=generator)
    return torch.randint(0, case.classes, (count,), generator=generator)


def loss(name, output, target):
    if name == "tiny-yolo":
        return ((output - target) ** 2).sum() / len(output)
    return F.cross_entropy(output, target)
