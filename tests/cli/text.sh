#!/bin/sh
# text.sh: commands on texts: plain use, bad input, the same bits for any number of threads and
# after a run was stopped by Ctrl-C or kill -9.
# timeout: 600
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib"

sentences() { # COUNT SEED: a word of each sentence tells the class
    awk -v count="$1" -v seed="$2" '
    function random(n) { seed = (seed * 16807) % 2147483647; return seed % n }
    BEGIN {
        split("good great fine lovely", word1); split("bad awful dull poor", word2)
        split("the film was a story with people in some old town", filler)
        for (i = 0; i < count; i++) {
            class = i % 2; n = 3 + random(9); place = 1 + random(n); line = ""
            for (k = 1; k <= n; k++)
                line = line " " (k == place ? (class ? word1[1 + random(4)] : word2[1 + random(4)]) : filler[1 + random(11)])
            print (class ? "pos" : "neg") "\t" substr(line, 2) " " i
        }
    }'
}

mkdir data
sentences 160 1 >data/train.tsv
sentences 40 7 >data/dev.tsv
sentences 40 9 >data/test.tsv
tiny='--embedding 12 --batch 16 --lr 0.02 --threads 2'
small="$tiny --filters 8 --hidden 6"

json() { # FILE KEY...
    file=$1
    shift
    same 'lines of JSON' "$(wc -l <"$file" | tr -d ' ')" 1
    if command -v jq >/dev/null; then check 'JSON' jq -e 'type == "object"' "$file"; fi
    for key in "$@"; do check "key $key" grep -q "\"$key\":" "$file"; done
}

export sanitized

case_is 'train'
# shellcheck disable=SC2086
run 0 'expect   about' "$WEFT" train data --epochs 4 $small --name first
check 'the linear model beside it' grep -q 'linear, 1-2-grams of words' out
check 'the confusion matrix' grep -q 'true . predicted' out
check 'the way on' grep -q 'weft predict runs/text/first' out
dir=runs/text/first
for f in args.json best.onnx last.onnx last.ckpt epoch.ckpt results.csv report.html; do
    check "$f" test -s $dir/$f
done
check 'no options of pictures in args.json' sh -c "! grep -q -E 'imgsz|hue|flip' $dir/args.json"
check 'mistakes or none, and lengths, in the report' grep -q 'Length of the training texts' $dir/report.html
check 'the rival in the report' grep -q 'Beside a simple model' $dir/report.html
check 'report in one file' sh -c "! grep -E -q '<(script|link|img)[^>]*(src|href)=.?https?:' $dir/report.html"

case_is 'train --json'
# shellcheck disable=SC2086
run 0 - "$WEFT" train data --epochs 4 $small --name second --json --quiet
json out task model epochs best_epoch val test params_sha256 run_dir unit max_length vocabulary baseline
same 'task' "$(field task out)" text
check 'the same run gives the same model' cmp $dir/best.onnx runs/text/second/best.onnx
same '--quiet says nothing' "$(wc -c <err | tr -d ' ')" 0

case_is 'a single file, named after it'
run 0 - "$WEFT" train data/train.tsv --model bag --epochs 1 --quiet --no-report --no-baseline
check 'runs/text/train' test -s runs/text/train/best.onnx

case_is 'every network and its options'
for model in bag textcnn rnn gru bilstm bigru cnn-bigru-attention; do
    case $model in
    bag) more= ;;
    textcnn) more='--filters 8 --readout max+mean' ;;
    cnn-*) more='--filters 8 --hidden 6 --pool 2' ;;
    *) more='--hidden 6' ;;
    esac
    # shellcheck disable=SC2086
    run 0 - "$WEFT" train data --model $model --epochs 1 $tiny $more --name "m-$model" --quiet --no-report --no-baseline
done
for more in '--form parallel --readout max' '--form rnn-first' '--readout attention --bag --layers 2' \
    '--readout last --ngrams 3 --max-pairs 50 --max-triples 20' '--unit char --freeze-embedding' \
    '--mixed-lengths --min-count 2 --max-vocab 40 --max-length 6 --dropout 0 --embedding-dropout 0' \
    '--balance --ema 0.9 --accumulate 3 --keep-case --keep-width --pool 2 --kernel 2'; do
    # shellcheck disable=SC2086
    run 0 - "$WEFT" train data --epochs 1 $small $more --name more --force --quiet --no-report --no-baseline
done

case_is 'options that a network does not have'
run 2 'bag: has no option readout' "$WEFT" train data --model bag --readout max
run 2 'textcnn: has no option hidden' "$WEFT" train data --model textcnn --hidden 6
run 2 'textcnn: has no readout last' "$WEFT" train data --model textcnn --readout last
run 2 'bigru: has no option form' "$WEFT" train data --model bigru --form parallel
run 2 'rnn: has no option gate-bias' "$WEFT" train data --model rnn --gate-bias 3
run 2 'form rnn-first has no readout last' "$WEFT" train data --form rnn-first --readout last
run 2 '--final goes with' "$WEFT" train data --schedule constant --final 0.1
run 2 'flow: rnn has no option gate-bias' "$WEFT" flow rnn data --gate-bias 3
run 0 - "$WEFT" flow rnn data --gate-bias 3 --compare gru --hidden 6 --batches 1
run 2 '--hidden is for ready networks' "$WEFT" flow runs/text/m-rnn data --hidden 6
run 2 '--classes is for ready networks' "$WEFT" show runs/text/m-rnn --classes 3


case_is 'another run as a start'
# shellcheck disable=SC2086
run 0 'knows ' "$WEFT" train data/test.tsv --model gru $tiny --hidden 6 --epochs 1 --from runs/text/m-gru --name from --no-report --no-baseline

case_is 'earlier spellings'
# shellcheck disable=SC2086
run 0 '--form b is now called --form parallel' "$WEFT" train data --model cnn-bigru $tiny --filters 6 --hidden 6 --epochs 1 --form b --unit word --no-report --no-baseline --name old --json
check 'and --unit --level' grep -q -e '--unit is now called --level' err
check 'the new word is remembered' grep -q '"form": "parallel"' runs/text/old/args.json
sed 's/"form": "parallel"/"form": "b"/; s/"level"/"unit"/' runs/text/old/args.json >old.json
mv old.json runs/text/old/args.json
sha=$(field params_sha256 out)
check 'a hash' test ${#sha} -eq 64
run 0 - "$WEFT" train --resume runs/text/old --no-report --no-baseline --json
same 'the same network' "$(field params_sha256 out)" "$sha"

case_is 'pretrained vectors'
printf 'good 1 0 0\nbad 0 1 0\nold 0 0 1\n' >vectors.txt
run 0 'of ' "$WEFT" train data --model bag --epochs 1 --vectors vectors.txt --name v --no-report --no-baseline
same 'embedding' "$(sed -n 's/.*"embedding": \([0-9]*\).*/\1/p' runs/text/v/args.json)" 3
run 0 - "$WEFT" train --resume runs/text/v --quiet --no-report
run 2 'asks for 5' "$WEFT" train data --model bag --epochs 1 --vectors vectors.txt --embedding 5
run 2 '--vector-words goes with' "$WEFT" train data --vector-words vectors.txt
run 5 'none.txt' "$WEFT" train data --vectors none.txt

case_is 'eval'
run 0 - "$WEFT" eval $dir data
check 'the split' grep -q '^test: 40 samples' out
run 0 - "$WEFT" eval $dir data/test.tsv
check 'all of a single file' grep -q '^all: 40 samples' out
run 0 - "$WEFT" eval $dir data --split val --json
json out task split samples accuracy_top1 loss per_class confusion
printf 'pos\ta good town\npos\tgreat people\nneg\tawful story\n' >three.tsv
run 0 - "$WEFT" eval $dir three.tsv --format tsv --label-column 1 --text-column 2
printf 'odd\ta good town\nodd\tgreat people\nneg\tawful story\n' >odd.tsv
run 2 'class odd' "$WEFT" eval $dir odd.tsv --format tsv --label-column 1 --text-column 2

case_is 'predict'
run 0 - "$WEFT" predict $dir 'a great story' 'some awful people'
same 'lines' "$(wc -l <out | tr -d ' ')" 2
check 'label, probability, tab, text' grep -q "^pos 0\.[0-9]*	a great story\$" out
printf 'good film\r\n\nbad town\nno newline' >lines.txt
run 0 - "$WEFT" predict $dir lines.txt --top 2
same 'a line for each line' "$(wc -l <out | tr -d ' ')" 4
run 0 - "$WEFT" predict $dir lines.txt --whole
same 'one text' "$(wc -l <out | tr -d ' ')" 1
run 0 - sh -c '"$0" predict "$1" - <lines.txt' "$WEFT" $dir
same 'stdin' "$(wc -l <out | tr -d ' ')" 4
run 0 - "$WEFT" predict $dir 'a great story' --json --batch 3
json out task results text tokens unknown top
run 5 'no such file' "$WEFT" predict $dir nothere.txt
run 2 'is a folder' "$WEFT" predict $dir data
pictures pics 2 8 8
run 0 - "$WEFT" train pics --epochs 1 --batch 4 --quiet --no-report --name pics
run 2 '--whole is for texts' "$WEFT" predict runs/classify/pics x.png --whole
run 2 '--strict is for texts' "$WEFT" eval runs/classify/pics pics --strict

case_is 'check, show, gradcheck'
run 0 - "$WEFT" check data
run 0 - "$WEFT" check data --json
json out ok errors warnings findings
run 2 '--export is for pictures' "$WEFT" check data --export 3
run 0 - "$WEFT" show $dir
check 'the tokenizer' grep -q 'weft.tokenizer' out
run 0 - "$WEFT" show cnn-bigru
run 0 - "$WEFT" gradcheck cnn-bigru --samples 3
run 0 - "$WEFT" gradcheck $dir --samples 3

case_is 'options of the other kind of data'
run 2 '--imgsz is for pictures, the data are texts' "$WEFT" train data --imgsz 3
run 2 '--flip is for pictures' "$WEFT" train data flip=0.5
run 2 '--ngrams is for texts, the data are pictures' "$WEFT" train pics --ngrams 2
run 2 'allowed serial|parallel|rnn-first' "$WEFT" train data --form d
run 2 'no network for texts' "$WEFT" train data --model resnet20
run 2 'no network for pictures' "$WEFT" train pics --model textcnn
run 2 '--max-pairs goes with' "$WEFT" train data --max-pairs 9
run 2 'allowed whole numbers 1 to 3' "$WEFT" train data --ngrams 4

# ---- bad input ----
train_bad() { # CODE TEXT FILE OPTIONS...
    codes=$1 text=$2 file=$3
    shift 3
    run "$codes" "$text" "$WEFT" train "$file" --model bag --epochs 1 --quiet --no-report --no-baseline --name bad --force "$@"
}
case_is 'T2 empty'
: >empty.tsv
train_bad 3 empty.tsv empty.tsv
printf '\n \n\t\n' >blank.tsv
train_bad 3 blank.tsv blank.tsv
case_is 'D1 one class, no file'
printf 'a\tone two\na\tthree four\na\tfive\n' >one.tsv
train_bad 3 class one.tsv --format tsv --label-column 1
run 3/5 gone.tsv "$WEFT" train gone.tsv
case_is 'T1 not UTF-8'
{ cat data/train.tsv; printf 'pos\tgood \377\300\257 \355\240\200\n'; } >latin.tsv
train_bad 0 - latin.tsv
train_bad 3 latin.tsv latin.tsv --strict
case_is 'L5 BOM, CRLF, quotes, no last newline, NUL, a long line'
{ printf '\357\273\277label,text\r\n'; sed 's/\t\(.*\)/,"\1, ""said"" he"\r/' data/train.tsv; printf 'pos,good'; } >odd.csv
train_bad 0 - odd.csv
{ cat data/train.tsv; printf 'pos\tgood\000bad\n'; } >nul.tsv
train_bad 0/3 - nul.tsv
{ cat data/train.tsv; printf 'pos\t'; head -c 10000000 /dev/zero | tr '\0' x; echo; } >long.tsv
train_bad 0/3 - long.tsv
case_is 'L6 duplicates'
{ cat data/train.tsv; head -n 5 data/train.tsv; } >twice.tsv
run 0 'more than once' "$WEFT" train twice.tsv --model bag --epochs 1 --no-report --no-baseline --name twice
case_is 'T3 one long line, NULs'
run 0 - sh -c 'head -c 300000000 /dev/zero | ($sanitized || ulimit -v 1500000; exec "$0" predict "$1" -)' "$WEFT" $dir
case_is 'T4 tokens that were never seen'
run 0 - "$WEFT" predict $dir 'zyx qqq 12345' "$(printf '\360\237\230\200 \346\274\242\345\255\227')" '' "$(printf '\377\376')"
same 'lines' "$(wc -l <out | tr -d ' ')" 4

# ---- the same bits ----
: "${SEED:=$(date +%s)}"
random_state=$((SEED % 2147483646 + 1))
random() { # BELOW: sets r
    random_state=$((random_state * 16807 % 2147483647))
    r=$((random_state % $1))
}
echo "seed $SEED"
wanted=
threads_tried='1 2 3 7'
if $sanitized; then threads_tried='1 3'; fi
variant='--ngrams 2 --bag --ema 0.9 --accumulate 3 --batch 7 --layers 2 --epochs 6'
for threads in $threads_tried; do
    case_is "$threads threads"
    # shellcheck disable=SC2086
    run 0 - "$WEFT" train data $small $variant --threads "$threads" --name "t$threads" --json --quiet --no-report --no-baseline
    hash=$(field params_sha256 out)
    same 'a hash of 64 digits' "${#hash}" 64
    if [ -z "$wanted" ]; then wanted=$hash; fi
    same 'params_sha256' "$hash" "$wanted"
done
case_is 'stopped and gone on with'
code=1
stops=0
for try in 1 2 3 4 5 6 7 8 9 10 11 12; do
    random 2
    signal=$([ $r -eq 0 ] && echo INT || echo KILL)
    random 250
    delay=$((r + 30))
    if [ "$try" -eq 12 ]; then delay=60000; fi
    if [ -e runs/text/stopped/last.ckpt ]; then
        set -- --resume runs/text/stopped
    else
        # shellcheck disable=SC2086
        set -- data $small $variant --name stopped --force --save-seconds 0.02
    fi
    timeout --preserve-status -s $signal "$(printf '%d.%03d' $((delay / 1000)) $((delay % 1000)))" \
        "$WEFT" train "$@" --quiet --no-report --no-baseline --json >stopped.json 2>err
    code=$?
    case $code in
    130 | 137) stops=$((stops + 1)) ;;
    0) break ;;
    *) wrong "exit code $code after SIG$signal at $delay ms" ;;
    esac
done
same 'exit code' $code 0
echo "$stops stops"
same 'params_sha256' "$(field params_sha256 stopped.json)" "$wanted"
check 'best.onnx' cmp runs/text/stopped/best.onnx runs/text/t1/best.onnx
check 'last.onnx' cmp runs/text/stopped/last.onnx runs/text/t1/last.onnx
end
