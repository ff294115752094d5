#!/bin/sh
# flow.sh: `weft flow`: tables, JSON, the page; what is refused.
# timeout: 300
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib"

pictures data/train 3 24 12
pictures data/test 3 8 12 99
run 0 - "$WEFT" train data epochs=1 batch=8 --name first --model small-cnn --no-report --quiet
dir=runs/classify/first
cp $dir/best.onnx before.onnx

json() { # FILE KEY...: FILE is one JSON object on one line and has the keys
    file=$1
    shift
    same 'lines of JSON' "$(wc -l <"$file" | tr -d ' ')" 1
    if command -v jq >/dev/null; then check 'JSON' jq -e 'type == "object"' "$file"; fi
    for key in "$@"; do check "key $key" grep -q "\"$key\":" "$file"; done
}

page() { # FILE: a page without anything from elsewhere
    check 'a page' grep -q '^<!DOCTYPE html>' "$1"
    check 'its end' grep -q '</html>' "$1"
    check 'no script' sh -c "! grep -i -q '<script' $1"
    check 'nothing from elsewhere' sh -c "! grep -E -q '(src|href)=.?https?:' $1"
}

case_is 'a trained model'
run 0 - "$WEFT" flow $dir data
check 'layers' grep -q '^layer  *output .*gradient' out
check 'parameters' grep -q '^parameter .*ratio' out
check 'the head line' grep -q "^$dir on data (train): " out
check 'the model is as it was' cmp $dir/best.onnx before.onnx

case_is '--json'
run 0 - "$WEFT" flow $dir data --json --split test --batch 6 --batches 2
json out model data split samples loss gradient layers params series
same 'samples' "$(field samples out)" 12
same 'split' "$(field split out)" test
cp out one
run 0 - "$WEFT" flow $dir data --json --split test --batch 6 --batches 2 --threads 1
check 'the same for any number of threads' cmp out one
run 0 - "$WEFT" flow $dir/best.onnx data --json --batch 1000 --batches 1000
same 'at most what there is' "$(field samples out)" 66

case_is 'ready networks'
run 0 - "$WEFT" flow resnet20 data --json --seed 3
cp out three
run 0 - "$WEFT" flow resnet20 data --json --seed 4
check 'another seed is another network' sh -c '! cmp -s out three'

case_is '--html'
run 0 'Wrote flow.html' "$WEFT" flow $dir data --html flow.html
page flow.html
check 'where it looks' grep -q 'Grad-CAM' flow.html
check 'filters' grep -q 'Filters of the first layer' flow.html
check 'feature maps' grep -q 'Feature maps' flow.html

case_is '--compare'
run 0 - "$WEFT" flow $dir data --compare small-cnn --html two.html --json
json out compare
page two.html
check 'both' grep -q 'B: small-cnn' two.html
run 0 - "$WEFT" flow $dir data --compare resnet20
check 'two tables' test "$(grep -c '^layer  *output' out)" -eq 2

case_is 'hostile names'
mkdir 'odd <b>&"dir'
cp $dir/best.onnx 'odd <b>&"dir/best.onnx'
run 0 - "$WEFT" flow 'odd <b>&"dir' data --html odd.html
check 'no markup of theirs' sh -c "! grep -q '<b>&\"dir' odd.html"

case_is 'misuse'
run 2 'takes a model and a data set' "$WEFT" flow $dir
run 2 'takes a model and a data set' "$WEFT" flow
run 2 '--batches' "$WEFT" flow $dir data --batches 0
run 2 '--split' "$WEFT" flow $dir data --split all
run 2 'Did you mean lenet5' "$WEFT" flow lenet data
run 2 'no network of that name' "$WEFT" flow $dir data --compare nothing
run 2 '--html' "$WEFT" flow $dir data --html data/flow.html
run 2 '--htlm' "$WEFT" flow $dir data --htlm flow.html

case_is 'broken input'
head -c 1000 $dir/best.onnx >cut.onnx
run 4 'cut.onnx' "$WEFT" flow cut.onnx data
run 4 'cut.onnx' "$WEFT" flow $dir data --compare cut.onnx
run 4/5 'nothing.onnx' "$WEFT" flow nothing.onnx data
run 3/5 'nowhere' "$WEFT" flow $dir nowhere
mkdir -p empty
run 3 'empty' "$WEFT" flow $dir empty
pictures two 2 6 12
mv two/c1 two/nobody
run 2/3 "nobody" "$WEFT" flow $dir two
run 5 'no/such' "$WEFT" flow $dir data --html no/such/folder/flow.html

case_is 'texts'
"$source_folder/tools/copy_task" 12 200 >copy.tsv
run 0 - "$WEFT" flow gru copy.tsv --hidden 8 --embedding 4 --json --html text.html
json out series
check 'the state' grep -q '"of":"state","direction":"forward"' out
check 'embeddings' grep -q '"of":"output"' out
page text.html
check 'time' grep -q 'Along the sequence' text.html
cp out closed
run 0 - "$WEFT" flow gru copy.tsv --hidden 8 --embedding 4 --json --gate-bias 5
check 'open gates are another network' sh -c '! cmp -s out closed'
run 0 - "$WEFT" flow bigru copy.tsv --hidden 8 --embedding 4 --readout last --compare textcnn
check 'both directions' test "$(grep -c 'h forward\|h backward' out)" -eq 2
run 0 - "$WEFT" train copy.tsv --model rnn --hidden 8 --embedding 4 --epochs 1 --name text \
    --no-report --no-baseline --quiet
run 0 - "$WEFT" flow runs/text/text copy.tsv --split val
check 'its state' grep -q 'h forward' out
run 3/5 'nowhere' "$WEFT" flow runs/text/text nowhere.tsv
run 2/3/4 - "$WEFT" flow runs/text/text data

end
