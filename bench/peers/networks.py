"""The networks of bench/networks.c in PyTorch, layer for layer, and their sizes."""
import torch
from torch import nn


def lenet5(channels, side, classes):
    after = (((side // 2) - 4) // 2) - 4
    return nn.Sequential(
        nn.Conv2d(channels, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 120, 5), nn.ReLU(), nn.Flatten(),
        nn.Linear(120 * after * after, 84), nn.ReLU(), nn.Linear(84, classes))


def small_cnn(channels, side, classes):
    return nn.Sequential(
        nn.Conv2d(channels, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(64 * (side // 4) ** 2, 128), nn.ReLU(), nn.Linear(128, classes))


def vgg11(channels, side, classes):
    layers, inputs = [], channels
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


def resnet20(channels, side, classes):
    return nn.Sequential(
        conv_norm(channels, 16, 3, 1, 1), nn.ReLU(inplace=True), *stages(16, (16, 32, 64), 3),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, classes))


def resnet18(channels, side, classes):
    return nn.Sequential(
        conv_norm(channels, 64, 7, 2, 3), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1),
        *stages(64, (64, 128, 256, 512), 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(512, classes))


# name: builder, training batch, channels, side, classes
NETWORKS = {
    "lenet5": (lenet5, 64, 1, 28, 10),
    "small-cnn": (small_cnn, 128, 1, 28, 10),
    "resnet20": (resnet20, 128, 3, 32, 10),
    "vgg11-64": (vgg11, 16, 3, 64, 200),
    "resnet18-64": (resnet18, 16, 3, 64, 1000),
    "resnet18-224": (resnet18, 16, 3, 224, 1000),
}


def pictures(samples, channels, side):
    """The pictures of bench/networks.c: element i (channels last) is a hash of i, made a float of
    mean 0 and deviation 1."""
    i = torch.arange(samples * side * side * channels, dtype=torch.int64)
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        i = i ^ (i >> shift)
        i = (i * factor) & 0xFFFFFFFF
    i = i ^ (i >> 16)
    x = ((i >> 8).float() / 2**23 - 1) * 1.7320508
    return x.reshape(samples, side, side, channels).permute(0, 3, 1, 2).contiguous()


def labels(samples, classes):
    return torch.arange(samples, dtype=torch.int64) * 7 % classes
