#!/bin/sh
# commands.sh: every command's plain use, what it prints and leaves behind; odd standard
# files; signals.
# timeout: 600
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib"

pictures data/train 3 24 12
pictures data/test 3 8 12 99
cat >results.expected <<'END'
epoch,time,train/loss,metrics/accuracy_top1,metrics/accuracy_top5,val/loss,lr/pg0,train/gradient_norm,train/gradient_norm_max
END

json() { # FILE KEY...: FILE is one JSON object on one line and has the keys
    file=$1
    shift
    same 'lines of JSON' "$(wc -l <"$file" | tr -d ' ')" 1
    if command -v jq >/dev/null; then check 'JSON' jq -e 'type == "object"' "$file"; fi
    check 'an object' grep -q '^{.*}$' "$file"
    for key in "$@"; do check "key $key" grep -q "\"$key\":" "$file"; done
}

# ---- train, and what it leaves ----

case_is 'train'
run 0 'epoch 2/2' "$WEFT" train data epochs=2 batch=8 --name first threads=2
check 'the test report' grep -q 'macro avg' out
check 'the way on' grep -q 'weft predict runs/classify/first' out
dir=runs/classify/first
for f in args.json best.onnx last.onnx last.ckpt epoch.ckpt results.csv report.html; do
    check "$f" test -s $dir/$f
done
check 'no temporary files' sh -c "! ls $dir | grep -E -q '\\.(new|link|tmp)'"
head -n 1 $dir/results.csv >header
check 'header of results.csv' cmp header results.expected
same 'rows of results.csv' "$(wc -l <$dir/results.csv | tr -d ' ')" 3
check 'report in one file' sh -c "! grep -E -q '<(script|link|img)[^>]*(src|href)=.?https?:' $dir/report.html"
check 'stderr has no carriage return' sh -c "! tr '\\r' '@' <err | grep -q @"

case_is 'train --json'
run 0 - "$WEFT" train data --epochs 2 --batch 8 --name second --threads 2 --json --quiet
json out task model epochs best_epoch val test params_sha256 run_dir seconds accuracy_top1 accuracy_top5 loss
same '--quiet says nothing' "$(wc -c <err | tr -d ' ')" 0
same 'task' "$(field task out)" classify
same 'run_dir' "$(field run_dir out)" runs/classify/second
same 'epochs' "$(field epochs out)" 2
check 'the same run gives the same model' cmp runs/classify/first/best.onnx runs/classify/second/best.onnx

case_is 'names of runs'
run 0 - "$WEFT" train data --epochs 1 --batch 8 --quiet --no-report
run 0 - "$WEFT" train data --epochs 1 --batch 8 --quiet --no-report
check 'the second is numbered' test -s runs/classify/data2/best.onnx
check '--no-report' test ! -e runs/classify/data/report.html
echo old >runs/classify/data/report.html
echo mine >runs/classify/data/notes.txt
run 0 - "$WEFT" train data --epochs 1 --batch 8 --quiet --no-report --name data --force
check '--force leaves no file of the old run' test ! -e runs/classify/data/report.html
check '--force leaves files that are not a run'"'s" test -e runs/classify/data/notes.txt

case_is 'odd names'
run 0 - "$WEFT" train data --epochs 1 --batch 8 --quiet --no-report --project ' -p "'"'"'	é' --name "$(printf 'n\ne\377')"
run 0 - "$WEFT" train data --epochs 1 --batch 8 --quiet --json --project "$(printf 'r\377')" --name x
json out run_dir
cp -R data ./-data
run 0 - "$WEFT" train --epochs 1 --batch 8 --quiet --no-report -- -data
mv ./-data "$(printf 'd\377')"
run 0 - "$WEFT" train "$(printf 'd\377')" --epochs 1 --batch 8 --quiet --no-report --name bytes
run 0 - "$WEFT" train --resume runs/classify/bytes --quiet --no-report

case_is 'resume a finished run'
before=$(field params_sha256 out)
run 0 - "$WEFT" train --resume runs/classify/second/ --json --quiet
same 'params_sha256' "$(field params_sha256 out)" \
    "$("$WEFT" train data --epochs 2 --batch 8 --name third --threads 1 --json --quiet | sed 's/.*sha256":"\([0-9a-f]*\).*/\1/')"

case_is 'resume from another folder, with the data elsewhere'
mkdir elsewhere
cp -R data moved
run 0 - sh -c 'cd elsewhere && exec "$0" train --resume ../runs/classify/second --quiet --json --no-report' "$WEFT"
run 0 - "$WEFT" train moved --resume runs/classify/second --quiet --no-report
run 0 - "$WEFT" train --resume runs/classify/second --epochs 3 --reset-optimizer --quiet --json
same 'epochs' "$(field epochs out)" 3

case_is 'train --from'
run 0 'taken over' "$WEFT" train data --from runs/classify/first/best.onnx --epochs 1 --batch 8 --no-report --name from

case_is 'train, every kind of augmentation, model by size, choices'
run 0 - "$WEFT" train data --epochs 1 --batch 16 --quiet --no-report --augment strong --mixup 0.2 \
    --rotate 10 --hue 0.1 --cutout 3 --flip-vertical 0.5 --imgsz 20 --channels 3 --fit letterbox \
    --schedule multistep --milestones 0.5,0.8 --optimizer rmsprop --momentum 0.5 val_fraction=0.2

# ---- the other commands ----

case_is 'eval'
run 0 - "$WEFT" eval $dir data
check 'a report' grep -q 'macro avg' out
run 0 - "$WEFT" eval $dir/best.onnx data --json
json out accuracy_top1 accuracy_top5 loss per_class precision recall f1 support confusion samples split
same 'split' "$(field split out)" test
same 'samples' "$(field samples out)" 24
run 0 - "$WEFT" eval $dir data --json --split train --batch 7 --threads 1
same 'samples of train' "$(field samples out)" 66

case_is 'eval says what train said'
"$WEFT" train --resume runs/classify/first --quiet --json >trained 2>err
"$WEFT" eval runs/classify/first data --json >out 2>err
same 'test accuracy' "$(sed 's/.*"test":{"accuracy_top1":\([0-9.]*\).*/\1/' trained)" "$(field accuracy_top1 out)"

case_is 'predict'
run 0 - "$WEFT" predict $dir data/test/c0/0000.pgm
same 'one line' "$(wc -l <out | tr -d ' ')" 1
run 0 - "$WEFT" predict $dir data/test/c0 data/test/c1/0000.pgm --top 1 --batch 5
same 'a line per picture' "$(wc -l <out | tr -d ' ')" 9
run 0 - "$WEFT" predict $dir data/test/c0 --json --top 2
json out results probability path
if command -v jq >/dev/null; then
    same 'top 2' "$(jq '.results | length, (.[0].top | length)' out | tr '\n' ' ')" '8 2 '
fi
"$WEFT" predict $dir data/test/c0 --top 3 >one
"$WEFT" predict $dir data/test/c0 --top 3 --batch 3 --threads 1 >three
check 'the same alone and in a batch' cmp one three

case_is 'show'
run 0 - "$WEFT" show lenet5
check 'parameters' grep -q '61,706\|61706' out
run 0 - "$WEFT" show resnet18 --batch 4 --classes 100 --json
json out params_count train_plan_bytes infer_plan_bytes params
run 0 - "$WEFT" show $dir --json
json out metadata
for key in names task imgsz stride batch channels weft.mean weft.std weft.names weft.data; do
    check "metadata $key" grep -q "\"$key\":" out
done
check 'class names' grep -q "0: 'c0'" out
run 0 - "$WEFT" show small-cnn --dot
check 'a graph' grep -q '^digraph' out

case_is 'check'
run 0 - "$WEFT" check data
check 'a sum' grep -q '0 errors' out
run 0 - "$WEFT" check data --json
json out ok errors warnings findings
cp -R data linted
echo no >linted/train/c0/bad.jpg
"$WEFT" check linted --json >out 2>err
same 'exit code' $? 3
json out findings
check 'the file is named' grep -q 'linted/train/c0/bad.jpg' out
"$WEFT" check linted >out 2>err
check 'an error' grep -q '^error: .*bad.jpg.*\[unreadable\]' out

case_is 'gradcheck'
run 0 - "$WEFT" gradcheck $dir/best.onnx --samples 2
check 'agreement' grep -q 'all gradients agree' out
run 0 - "$WEFT" gradcheck lenet5 --samples 1 --json
json out ok worst tensors name tried count zero kinks faults verdict pairs index analytic numeric error
run 0 - "$WEFT" gradcheck lenet5 --samples 4 --pairs 2
same 'lines of pairs' "$(grep -c '^  \[[0-9,]*\] .*analytic .*numeric .*error .*ok$' out)" 24
same 'lines of tensors' "$(grep -c ' ok$' out)" 36
check 'elements without a gradient' grep -q '^conv3.weight  *48000  *4  *28145  *0  *0 ' out
check 'of those none is shown' sh -c '! grep "analytic *-*0.0000000e+00" out'
same 'lines above 100 columns' "$(awk 'length > 100' out | wc -l | tr -d ' ')" 0
run 0 - "$WEFT" gradcheck lenet5 --samples 1 --pairs 0
same 'no pairs' "$(grep -c analytic out)" 0

case_is 'ops'
run 0 - "$WEFT" ops
check 'conv' grep -q '^conv' out
run 0 - "$WEFT" ops --json
same 'lines' "$(wc -l <out | tr -d ' ')" 1

# ---- help ----

case_is 'help'
run 0 - "$WEFT" help
run 0 - "$WEFT" --help
run 0 - "$WEFT" --version
check 'version' grep -q '^weft [0-9]*\.[0-9]*\.[0-9]* (' out
run 0 - "$WEFT" help models
for model in lenet5 small-cnn resnet20 vgg11 resnet18; do check "$model" grep -q "^$model " out; done
"$WEFT" >out 2>err
same 'exit code of nothing' $? 2
check 'the overview' grep -q 'usage: weft COMMAND' err
for shell in bash zsh fish; do
    run 0 - "$WEFT" help --completion $shell
    cp out completion.$shell
    if command -v $shell >/dev/null; then
        check "$shell understands it" $shell -n completion.$shell
    fi
done
run 0 - "$WEFT" help --man
check 'a man page' grep -q '^\.TH WEFT 1' out
commands=$("$WEFT" help | sed -n 's/^  \([a-z]*\)  .*/\1/p')
check 'eight commands' test "$(echo "$commands" | wc -w)" -ge 8
for c in $commands; do
    case_is "help $c"
    run 0 - "$WEFT" help "$c"
    cp out help
    run 0 - "$WEFT" "$c" --help
    check 'the same text' cmp help out
    run 0 - "$WEFT" help --man "$c"
    check 'a man page' grep -q "^\.TH WEFT-$c 1" out
    sed 's/\\-/-/g' out >man
    for option in $(sed -n 's/^ *\(-[a-z], \)\{0,1\}--\([a-z-]*\).*/\2/p' help); do
        check "--$option in the man page" grep -q -e "--$option" man
        for shell in bash zsh; do check "--$option in $shell" grep -q -e "--$option" completion.$shell; done
        if [ "$option" != help ]; then
            check "--$option in fish" grep -q -e "-l $option" completion.fish
        fi
    done
done

# ---- standard files that are closed, broken or full ----

quick='--epochs 2 --batch 8 --no-report --threads 2'
finished() { # NAME
    check "$1 has its model" test -s "runs/classify/$1/best.onnx"
    check "$1 has two epochs" test "$(wc -l <"runs/classify/$1/results.csv")" -eq 3
    check "$1: the checkpoint is no message" sh -c "! grep -q 'weft: \|epoch 1' runs/classify/$1/last.ckpt"
}
set -- $quick

case_is 'stdin closed'
"$WEFT" train data "$@" --name in <&- >out 2>err
same 'exit code' $? 0
finished in

case_is 'stdout closed'
"$WEFT" train data "$@" --name out --json >&- 2>err
same 'exit code' $? 0
finished out

case_is 'stderr closed'
"$WEFT" train data "$@" --name err 2>&- >out
same 'exit code' $? 0
finished err

case_is 'all closed'
"$WEFT" train data "$@" --name none <&- >&- 2>&-
same 'exit code' $? 0
finished none

case_is 'stderr a pipe that nobody reads any more'
{
    "$WEFT" train data "$@" --name pipe 2>&1 >out
    echo $? >code
} | head -c 1 >/dev/null
same 'exit code' "$(cat code)" 0
finished pipe

case_is 'stdout a pipe that nobody reads any more'
{
    sleep 0.2
    "$WEFT" train data "$@" --name pipe2 --json 2>err
    echo $? >code
} | true
same 'exit code' "$(cat code)" 0
finished pipe2

if [ -e /dev/full ]; then
    case_is 'stdout full'
    "$WEFT" train data "$@" --name full --json >/dev/full 2>err
    same 'exit code' $? 5
    check 'the reason' grep -q 'standard output' err
    finished full
    "$WEFT" ops >/dev/full 2>err
    same 'exit code of ops' $? 5

    case_is 'stderr full'
    "$WEFT" train data "$@" --name full2 2>/dev/full >out
    same 'exit code' $? 0
    finished full2
fi

# ---- a terminal ----

if script -qec true /dev/null </dev/null >/dev/null 2>&1; then
    case_is 'a bar on a terminal'
    script -qec "stty cols 60 rows 20; '$WEFT' train data --epochs 2 --batch 1 --no-report --name bar" screen </dev/null >/dev/null
    tr '\r' '\n' <screen >lines
    check 'a bar' grep -q '^Epoch 1/2 .*\[' lines
    check 'bars fit the width' sh -c "! grep '^Epoch' lines | sed 's/\\x1b\\[K.*//' | grep -q '.\\{61\\}'"
    TERM=dumb script -qec "'$WEFT' train data --epochs 1 --batch 4 --no-report --name dumb" screen </dev/null >/dev/null
    check 'no bar on a dumb terminal' sh -c "! grep -q '^Epoch' screen"
fi

# ---- signals ----

long='--epochs 100000 --batch 4 --no-report --threads 2 --save-seconds 1000'
start() { # NAME OPTIONS...: in the background, until its first epoch is over; sets pid
    started=$1
    shift
    # shellcheck disable=SC2086
    # a shell without job control starts background commands deaf to SIGINT
    env --default-signal=INT,QUIT "$WEFT" train data $long --name "$started" "$@" >out 2>err &
    pid=$!
    i=0
    while [ ! -s "runs/classify/$started/results.csv" ] && [ $i -lt 600 ] && kill -0 $pid 2>/dev/null; do
        sleep 0.05
        i=$((i + 1))
    done
}

for s in INT:130 TERM:143 HUP:129; do
    case_is "SIG${s%:*}"
    start "signal-${s%:*}"
    kill -"${s%:*}" $pid
    wait $pid
    same 'exit code' $? "${s#*:}"
    check 'the line that resumes' grep -q "weft train --resume 'runs/classify/signal-${s%:*}'" err
    check 'a checkpoint' test -s "runs/classify/signal-${s%:*}/last.ckpt"
done

case_is 'the line that resumes, with an odd name'
start "it's"
kill -TERM $pid
wait $pid
eval "set -- $(sed -n 's/.*--resume //p' err)"
same 'the name' "$1" "runs/classify/it's"

case_is 'SIGHUP under nohup'
nohup "$WEFT" train data --epochs 60 --batch 4 --no-report --threads 2 --name nohup >out 2>err </dev/null &
pid=$!
i=0
while [ ! -s runs/classify/nohup/results.csv ] && [ $i -lt 600 ]; do
    sleep 0.05
    i=$((i + 1))
done
kill -HUP $pid
wait $pid
same 'exit code' $? 0

case_is 'a second signal'
start twice --batch 1 --accumulate 65536 --model resnet18 --imgsz 40 # one long step
kill -INT $pid
i=0
while ! grep -q 'stopping after this step' err && [ $i -lt 100 ]; do
    sleep 0.02
    i=$((i + 1))
done
kill -INT $pid
began=$(date +%s)
wait $pid
same 'exit code' $? 130
check 'at once' test $(($(date +%s) - began)) -le 2
check 'it says so' grep -q 'stopped at once' err
timeout -s KILL 20 "$WEFT" train --resume runs/classify/twice --no-report >out 2>err &
pid=$!
i=0
while ! grep -q '^run ' err && kill -0 $pid && [ $i -lt 300 ]; do
    sleep 0.05
    i=$((i + 1))
done
kill -0 $pid
same 'the resumed run is alive' $? 0
kill -TERM $pid
wait $pid 2>/dev/null
end
