"""The networks that are timed, the same for weft and for every peer: by name, what `weft bench` gets,
batch of a training step, size of a sample, classes, and Darknet's file if it can say the network."""
from collections import namedtuple

Case = namedtuple("Case", "name weft batch size classes darknet")

BIGRU = "--classes 10 --pool 2 --readout last --dropout 0 --embedding-dropout 0"

CASES = [
    Case("lenet5", "lenet5", 64, (1, 28, 28), 10, "lenet5.cfg"),
    Case("small-cnn", "small-cnn", 128, (1, 28, 28), 10, "small-cnn.cfg"),
    Case("resnet20", "resnet20", 128, (3, 32, 32), 10, "resnet20.cfg"),
    Case("vgg11-64", "vgg11 --input 3x64x64 --classes 200", 16, (3, 64, 64), 200, None),
    Case("resnet18-64", "resnet18 --input 3x64x64 --classes 1000", 16, (3, 64, 64), 1000, None),
    Case("resnet18-224", "resnet18 --input 3x224x224 --classes 1000", 16, (3, 224, 224), 1000, None),
    Case("cnn-bigru-64", "cnn-bigru --input 64 " + BIGRU, 64, (64,), 10, None),
    Case("cnn-bigru-32", "cnn-bigru --input 32 " + BIGRU, 64, (32,), 10, None),
    Case("textcnn-32", "textcnn --input 32 --classes 10 --embedding 300 --filters 256 --kernel 2 "
         "--embedding-dropout 0", 128, (32,), 10, None),
    # No ready network: PyTorch writes it as ONNX, and weft trains that file.
    Case("tiny-yolo", "ONNX/tiny-yolo.onnx", 4, (3, 448, 448), 1470, "tiny-yolo.cfg"),
]

VOCABULARY = 20000
BATCHES = 4  # of training data, in memory
INFER_BATCHES = (1, 64)


def named(name):
    for case in CASES:
        if case.name == name:
            return case
    raise KeyError(name)


def is_text(case):
    return len(case.size) == 1
