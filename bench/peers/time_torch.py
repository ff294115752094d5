#!/usr/bin/env python3
"""Times PyTorch on one network of bench/kit/cases.py: made-up data in memory, a training step (zero
the gradients, forward, loss, backward, SGD) or a prediction. Prints one JSON object."""
import argparse
import os
import sys

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # its threads would fight those of OpenMP

import torch  # noqa: E402

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import networks  # noqa: E402
import timing  # noqa: E402


def training(name, net, batch, form):
    count = networks.cases.BATCHES
    x = [form(part) for part in networks.samples(name, batch * count).split(batch)]
    target = networks.targets(name, batch * count).split(batch)
    sgd = torch.optim.SGD(net.parameters(), lr=1e-3)
    net.train()

    def step(i):
        sgd.zero_grad(set_to_none=True)
        networks.loss(name, net(x[i % count]), target[i % count]).backward()
        sgd.step()

    return step


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", choices=networks.BUILDERS)
    parser.add_argument("--phase", choices=("train", "infer"), default="train")
    parser.add_argument("--batch", type=int, default=0)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--channels-last", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    net = networks.build(args.network)
    batch = args.batch or networks.cases.named(args.network).batch

    def form(x):
        return x.contiguous(memory_format=torch.channels_last) if args.channels_last else x

    if args.channels_last:
        net = net.to(memory_format=torch.channels_last)
    if args.phase == "train":
        times = timing.measure(training(args.network, net, batch, form), args.seconds)
    else:
        net.eval()
        x = form(networks.samples(args.network, batch))
        with torch.inference_mode():
            times = timing.measure(lambda i: net(x), args.seconds)
    timing.tell(times, name=args.network, phase=args.phase, batch=batch, threads=args.threads,
                version=torch.__version__)


if __name__ == "__main__":
    main()
