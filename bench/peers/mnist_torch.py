#!/usr/bin/env python3
"""mnist_torch.py DATA THREADS: PyTorch from its import to the end of the first epoch on MNIST: LeNet-5,
batches of 64, SGD, then the test set. DATA holds the four IDX files (.gz or not). Prints a JSON
object."""
import time

begin = time.perf_counter()

import gzip  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import resource  # noqa: E402
import sys  # noqa: E402

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy  # noqa: E402
import torch  # noqa: E402

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import networks  # noqa: E402

BATCH = 64


def idx(name, header):
    path = os.path.join(sys.argv[1], name)
    packed = os.path.exists(path + ".gz")
    with gzip.open(path + ".gz") if packed else open(path, "rb") as f:
        return numpy.frombuffer(f.read(), numpy.uint8, offset=header)


def read(part):
    x = idx(part + "-images-idx3-ubyte", 16).reshape(-1, 1, 28, 28).astype(numpy.float32) / 255
    return torch.from_numpy(x), torch.from_numpy(idx(part + "-labels-idx1-ubyte", 8).astype(int))


def main():
    torch.set_num_threads(int(sys.argv[2]))
    imported = time.perf_counter()
    (x, y), (test, wanted) = read("train"), read("t10k")
    net = networks.build("lenet5")
    sgd = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    for k in torch.randperm(len(x)).split(BATCH):
        sgd.zero_grad(set_to_none=True)
        networks.loss("lenet5", net(x[k]), y[k]).backward()
        sgd.step()
    with torch.inference_mode():
        found = torch.cat([net(part).argmax(1) for part in test.split(500)])
    end = time.perf_counter()
    print(json.dumps({
        "seconds": end - begin, "import_seconds": imported - begin,
        "accuracy": (found == wanted).float().mean().item(),
        "resident_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))


if __name__ == "__main__":
    main()
