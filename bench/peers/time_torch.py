#!/usr/bin/env python3
"""Times PyTorch on the networks of bench/networks.c: the same pictures in memory, the same step
(zero the gradients, forward, cross entropy, backward, SGD), the same way of measuring. Prints one
JSON object per line, in the form that `networks --json` has."""
import argparse
import json
import os
import statistics
import sys
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # its threads would fight those of OpenMP

import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import networks  # noqa: E402

BATCHES = 4


def measure(step, seconds, least=5):
    """Milliseconds of each step in `seconds`, after a quarter of that to warm up."""
    start, i = time.perf_counter(), 0
    while i < 2 or time.perf_counter() - start < seconds / 4:
        step(i)
        i += 1
    times = []
    start = before = time.perf_counter()
    while len(times) < 4000 and (len(times) < least or before - start < seconds):
        step(len(times))
        now = time.perf_counter()
        times.append((now - before) * 1e3)
        before = now
    return times


def tell(name, phase, batch, threads, times):
    tenth = statistics.quantiles(times, n=10, method="inclusive")
    row = {
        "who": "pytorch", "network": name, "phase": phase, "batch": batch, "threads": threads,
        "steps": len(times), "median_ms": round(statistics.median(times), 5),
        "min_ms": round(min(times), 5), "p10_ms": round(tenth[0], 5),
        "p90_ms": round(tenth[8], 5)}
    print(json.dumps(row), flush=True)


def time_training(name, net, threads, seconds, memory_format):
    _, batch, channels, side, classes = networks.NETWORKS[name]
    x = networks.pictures(batch * BATCHES, channels, side).to(memory_format=memory_format)
    x = list(x.split(batch))
    target = list(networks.labels(batch * BATCHES, classes).split(batch))
    sgd = torch.optim.SGD(net.parameters(), lr=1e-3)
    net.train()

    def step(i):
        sgd.zero_grad(set_to_none=True)
        F.cross_entropy(net(x[i % BATCHES]), target[i % BATCHES]).backward()
        sgd.step()

    tell(name, "train", batch, threads, measure(step, seconds))


def time_inference(name, net, threads, seconds, memory_format, batch):
    _, _, channels, side, _ = networks.NETWORKS[name]
    x = networks.pictures(batch, channels, side).to(memory_format=memory_format)
    net.eval()
    with torch.inference_mode():
        tell(name, "infer", batch, threads, measure(lambda i: net(x), seconds / 2))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", nargs="*", help="by default all")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--seconds", type=float, default=2, help="for one measurement")
    parser.add_argument("--phase", choices=("train", "infer", "both"), default="both")
    parser.add_argument("--channels-last", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    form = torch.channels_last if args.channels_last else torch.contiguous_format
    print(json.dumps({"who": "pytorch", "version": torch.__version__}), flush=True)
    for name in args.network or networks.NETWORKS:
        torch.manual_seed(1234)
        build, _, *sizes = networks.NETWORKS[name]
        net = build(*sizes).to(memory_format=form)
        if args.phase != "infer":
            time_training(name, net, args.threads, args.seconds, form)
        if args.phase != "train":
            for batch in (1, 64):
                time_inference(name, net, args.threads, args.seconds, form, batch)


if __name__ == "__main__":
    main()
