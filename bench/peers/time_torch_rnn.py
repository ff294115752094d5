#!/usr/bin/env python3
"""time_torch_rnn.py THREADS SECONDS CELL DIRECTIONS T N I H: times PyTorch's recurrent layer on n
sequences of t steps: prediction, forward in training, forward and backward. Prints a JSON object
for each."""
import os
import sys

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import torch  # noqa: E402

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import timing  # noqa: E402


def main():
    threads, seconds, cell = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
    directions, t, n, i, h = (int(word) for word in sys.argv[4:9])
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    layer = getattr(torch.nn, cell.upper())(i, h, bidirectional=directions == 2)
    x = torch.randn(t, n, i, requires_grad=True)
    gradient = torch.randn(t, n, h * directions)

    def infer(_):
        with torch.inference_mode():
            layer(x)

    def train(_):
        layer(x)[0].backward(gradient)
        layer.zero_grad(set_to_none=True)
        x.grad = None

    for phase, step in (("infer", infer), ("forward", lambda _: layer(x)), ("train", train)):
        timing.tell(timing.measure(step, seconds), phase=phase, threads=threads,
                    version=torch.__version__)


if __name__ == "__main__":
    main()
