#!/usr/bin/env python3
"""export_onnx.py FOLDER: writes the networks as ONNX, for ONNX Runtime: NAME-BATCH.onnx for each
batch that is timed; and tiny-yolo.onnx for any batch, as it is trained, for weft. What is there
already is left alone."""
import os
import sys
import warnings

import torch

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import networks  # noqa: E402


def export(net, x, path, **more):
    if os.path.exists(path):
        return
    torch.onnx.export(net, x, path + ".new", opset_version=13, input_names=["x"],
                      output_names=["y"], **more)
    os.replace(path + ".new", path)
    print("written:", path)


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    warnings.simplefilter("ignore")  # the exporter's, about shapes that are fixed here
    for name in networks.BUILDERS:
        for batch in networks.cases.INFER_BATCHES:
            export(networks.build(name).eval(), networks.samples(name, batch),
                   os.path.join(folder, f"{name}-{batch}.onnx"))
    export(networks.build("tiny-yolo").eval(), networks.samples("tiny-yolo", 1),
           os.path.join(folder, "tiny-yolo.onnx"), do_constant_folding=False,
           training=torch.onnx.TrainingMode.PRESERVE,
           dynamic_axes={"x": {0: "batch"}, "y": {0: "batch"}})


if __name__ == "__main__":
    main()
