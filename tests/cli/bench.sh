#!/bin/sh
# bench.sh: `weft bench`: a short run of each kind, its JSON, its table, wrong arguments.
# timeout: 600
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib"

json() { # FILE KEY...: FILE is one JSON object on one line and has the keys
    file=$1
    shift
    same 'lines of JSON' "$(wc -l <"$file" | tr -d ' ')" 1
    if command -v jq >/dev/null; then check 'JSON' jq -e 'type == "object"' "$file"; fi
    for key in "$@"; do check "key $key" grep -q "\"$key\":" "$file"; done
}

brief="--seconds 0.01 --threads 2"

case_is 'a training step as JSON'
run 0 - "$WEFT" bench lenet5 --train --batch 4 $brief --json
json out name phase batch threads isa steps med_ms min_ms p10_ms p90_ms gflop gflops peak_gflops \
    peak_percent resident_bytes planned_bytes version cpu compiler
same 'name' "$(field name out)" lenet5
same 'phase' "$(field phase out)" train
same 'batch' "$(field batch out)" 4
same 'threads' "$(field threads out)" 2
# 2 operations for each multiply-add, three times, but for the first layer twice
macs=$((117600 + 240000 + 48000 + 10080 + 840))
awk -v got="$(field gflop out)" -v want=$((4 * 2 * (3 * macs - 117600))) \
    'BEGIN { d = got * 1e9 / want - 1; exit d > 0.01 || d < -0.01 }' ||
    wrong "gflop $(field gflop out)"
check 'no more than is resident' test "$(field planned_bytes out)" -le "$(field resident_bytes out)"
awk -v a="$(field min_ms out)" -v b="$(field med_ms out)" 'BEGIN { exit !(0 < a && a <= b) }' ||
    wrong 'min_ms and med_ms'

case_is 'a prediction as JSON'
run 0 - "$WEFT" bench resnet18 --infer --input 3x32x32 --classes 7 $brief --json --layers --peak 100
json out layers bound forward_ms backward_ms
same 'phase' "$(field phase out)" infer
same 'batch' "$(field batch out)" 1
if command -v jq >/dev/null; then
    same 'the peak that was told' "$(jq .peak_gflops out)" 100
    same 'bounds' "$(jq -r '.layers[].bound' out | grep -c -v -E '^(compute|memory|overhead)$')" 0
    same 'no backward' "$(jq '[.layers[].backward_ms] | add' out)" 0
fi

case_is 'a network for texts'
run 0 - "$WEFT" bench cnn-bigru --input 16 --train --batch 2 $brief --json --vocabulary 100 --classes 3 \
    --embedding 8 --filters 8 --kernel 2 --hidden 8 --pool 2 --readout last --dropout 0
json out med_ms
same 'phase' "$(field phase out)" train
run 0 - "$WEFT" bench textcnn --infer $brief --embedding-dropout 0.1
check 'a table with seq_conv' grep -q seq_conv out

case_is 'a table'
run 0 - "$WEFT" bench small-cnn --batch 2 $brief
for word in layer conv1 fc2 cross_entropy 'all layers' 'bound by' planned resident update; do
    check "a table with $word" grep -q "$word" out
done
same 'one row of conv1' "$(grep -c '^conv1 ' out)" 1

case_is 'a file'
pictures data 3 24 12
run 0 - "$WEFT" train data --epochs 1 --batch 8 --name m --quiet --no-report
for model in runs/classify/m runs/classify/m/best.onnx; do
    run 0 - "$WEFT" bench $model --train --batch 8 $brief --json
    json out med_ms
    run 0 - "$WEFT" bench $model --infer --batch 3 $brief
done

case_is 'wrong arguments'
run 2 'takes one model' "$WEFT" bench
run 2 'takes one model' "$WEFT" bench lenet5 resnet18
run 2 'exclude each other' "$WEFT" bench lenet5 --train --infer
run 2 'goes with --json' "$WEFT" bench lenet5 --layers
run 2 'Did you mean lenet5' "$WEFT" bench lenet6
run 5 'cannot open' "$WEFT" bench missing.onnx
for size in 3x32 3x32x 3x32x32x32 x 3x0x32 3x-1x32 3x65537x32 3x1e3x32 99999999999x1x1 ''; do
    run 2 '--input: found' "$WEFT" bench resnet18 --input "$size" $brief
done
run 2 'is for ready networks' "$WEFT" bench runs/classify/m --input 3x32x32
run 2 'a number of tokens' "$WEFT" bench textcnn --input 3x32x32
run 2 'channels x height' "$WEFT" bench lenet5 --input 64
run 2 '--readout: found' "$WEFT" bench bigru --readout first
run 2 'larger than the padded input' "$WEFT" bench lenet5 --input 1x1x1
for pair in 'batch 0' 'batch x' 'seconds 0' 'seconds -1' 'seconds nan' 'threads -1' 'peak -1' 'classes 0'; do
    run 2 "--${pair% *}: found" "$WEFT" bench lenet5 "--${pair% *}" "${pair#* }"
done
run 4 - "$WEFT" bench data/c0/0000.pgm
run 6 - "$WEFT" bench vgg11 --input 3x8192x8192 --batch 65536 $brief

end
