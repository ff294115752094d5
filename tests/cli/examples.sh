# examples.sh: both example programs on data made here: mnist on a small IDX set that it must learn,
# predict with a model that the command trained on a folder of pictures.

set -eu
LC_ALL=C
export LC_ALL
mnist=$WEFT_BUILD/examples/mnist
predict=$WEFT_BUILD/examples/predict

fail() {
    echo "examples: $*" >&2
    exit 1
}

rm -rf idx pictures runs mnist-run
mkdir -p idx pictures/dark pictures/light

# idx_set COUNT NAME SEED: 28x28 pictures of 4 classes; class k is a bright bar at rows 7k .. 7k+6, its
# brightness and the dim rest different from picture to picture.
idx_set() {
    {
        printf '\000\000\010\003\000\000\001\000\000\000\000\034\000\000\000\034'
        awk -v n="$1" -v s="$3" 'BEGIN {
            for (i = 0; i < n; i++)
                for (r = 0; r < 28; r++)
                    for (c = 0; c < 28; c++) {
                        bar = 120 + (i * 7 + c * s) % 100
                        rest = 1 + (i * 13 + r * c * s) % 60
                        printf "%c", int(r / 7) == i % 4 ? bar : rest
                    }
        }'
    } >"idx/$2-images-idx3-ubyte"
    {
        printf '\000\000\010\001\000\000\001\000'
        for i in $(seq 0 $(($1 - 1))); do printf "\\00$((i % 4))"; done
    } >"idx/$2-labels-idx1-ubyte"
}
idx_set 256 train 1
idx_set 256 t10k 3

"$mnist" idx 6 >mnist.log || fail "mnist failed"
cat mnist.log
[ -s mnist-run/best.onnx ] || fail "mnist left no mnist-run/best.onnx"
sed -n 's/^test accuracy \([0-9]*\).*/\1/p' mnist.log | grep -Eqx '9[0-9]|100' ||
    fail "mnist did not learn four bars"
code=0
"$mnist" no-such-folder 2>message || code=$?
[ "$code" -ne 0 ] && [ "$code" -lt 128 ] || fail "mnist: exit code $code for a missing folder"
grep -q no-such-folder message || fail "mnist did not name the missing folder"
code=0
"$mnist" 2>message || code=$?
[ "$code" -eq 2 ] && grep -q usage message || fail "mnist without arguments: exit code $code"

for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    for class in dark light; do
        awk -v i="$i" -v class="$class" 'BEGIN {
            printf "P5\n12 12\n255\n"
            for (k = 0; k < 144; k++)
                printf "%c", (class == "light" ? 180 : 20) + (k * 31 + i * 17) % 50
        }' >"pictures/$class/$i.pgm"
    done
done
"$WEFT" train pictures --model small-cnn --epochs 6 --batch 8 --seed 1 --no-report --quiet \
    --name examples >train.log || fail "weft train failed"
for class in dark light; do
    "$predict" runs/classify/examples/best.onnx "pictures/$class/3.pgm" >answer ||
        fail "predict failed"
    cat answer
    grep -q "^$class " answer || fail "predict: a $class picture was taken for another"
done
code=0
"$predict" runs/classify/examples/best.onnx no-such-picture.png 2>message || code=$?
[ "$code" -ne 0 ] && [ "$code" -lt 128 ] || fail "predict: exit code $code for a missing picture"
grep -q no-such-picture message || fail "predict did not name the missing picture"
