#!/bin/sh
# determinism_slow.sh: determinism.sh with twenty stops and as many pixels as MNIST has.
# labels: slow
# timeout: 1200
STOPS=20 SIDE=28 COUNT=200 CLASSES=10 EPOCHS=4 VARIANTS='lenet everything'
export STOPS SIDE COUNT CLASSES EPOCHS VARIANTS
exec sh "$(dirname "$0")/determinism.sh"
