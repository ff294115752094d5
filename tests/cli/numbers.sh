#!/bin/sh
# numbers.sh: what the command says of a model, held to what can be counted and added up without
# it: answers counted one by one, losses of single classes, the rows of results.csv.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib"

# COUNT CLASSES SEED: a word of most sentences tells the class, some words lie
sentences() {
    awk -v count="$1" -v classes="$2" -v seed="$3" '
    function random(n) { seed = (seed * 16807) % 2147483647; return int(seed / 65536) % n }
    BEGIN {
        split("oak elm ash", word); split("we saw one by that road again", filler)
        for (i = 0; i < count; i++) {
            class = random(10) < 7 ? 0 : random(classes); line = ""
            told = random(4) ? class : random(classes)
            for (k = random(4); k >= 0; k--) line = line " " filler[1 + random(7)]
            print "k" class "\t" word[1 + told] line " " i
        }
    }'
}

near() { # WHAT A B TOLERANCE
    check "$1: $2 and $3" awk -v a="$2" -v b="$3" -v t="$4" \
        'BEGIN { d = a - b; exit !(a != "" && b != "" && d <= t && -d <= t) }'
}

column() { # NAME ROW FILE: of results.csv
    awk -F, -v name="$1" -v row="$2" \
        'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) at = i } NR == row + 1 { print $at }' "$3"
}

sentences 120 3 1 >train.tsv
sentences 90 3 7 >test.tsv
tiny='--model bag --embedding 8 --dropout 0 --smoothing 0 --threads 2 --quiet --no-report --no-baseline'

# ---- --balance: every class has the same part in the loss, so that a step that moves nothing
# ---- tells the plain mean of the losses that the classes have by themselves

case_is '--balance'
# shellcheck disable=SC2086
run 0 - "$WEFT" train train.tsv --no-val --balance --epochs 1 --batch 256 --optimizer sgd --lr 1e-9 \
    --name balanced $tiny
sum=0
for k in 0 1 2; do
    grep "^k$k" train.tsv >only.tsv
    run 0 - "$WEFT" eval runs/text/balanced/last.onnx train.tsv --test only.tsv --json
    sum=$(awk -v s="$sum" -v x="$(field loss out)" 'BEGIN { printf "%.9g", s + x / 3 }')
done
run 0 - "$WEFT" eval runs/text/balanced/last.onnx train.tsv --json --split train
check 'classes of different sizes have different losses' awk -v a="$sum" -v b="$(field loss out)" \
    'BEGIN { d = a - b; exit !(d > 1e-3 || -d > 1e-3) }'
near 'loss' "$(column train/loss 1 runs/text/balanced/results.csv)" "$sum" 1e-5

# ---- eval: its counts are those of the answers that predict gives to each text

case_is 'eval and predict'
# shellcheck disable=SC2086
run 0 - "$WEFT" train train.tsv --test test.tsv --epochs 6 --batch 16 --lr 0.03 --name trained $tiny --json
cp out trained
cut -f 2 test.tsv >lines
"$WEFT" predict runs/text/trained - --top 3 <lines >answers 2>err
same 'answers' "$(wc -l <answers | tr -d ' ')" 90
# each line ends with "NAME p, NAME p, NAME p"
sed 's/.*\(k[0-2]\) \([0-9.]*\), \(k[0-2]\) \([0-9.]*\), \(k[0-2]\) \([0-9.]*\)$/\1 \2 \3 \4 \5 \6/' answers >told
check 'the likeliest first' awk '!($2 >= $4 && $4 >= $6) { exit 1 }' told
check 'they make one' awk '{ d = $2 + $4 + $6 - 1 } d > 2e-4 || d < -2e-4 { exit 1 }' told
cut -f 1 test.tsv | paste -d ' ' - told >both
right=$(awk '$1 == $2 { n++ } END { print n + 0 }' both)
check 'some are right, some wrong' test "$right" -gt 60 -a "$right" -lt 90
loss=$(awk '{ for (i = 2; i < 8; i += 2) if ($i == $1) s -= log($(i + 1) > 0 ? $(i + 1) : 5e-5) } END { print s / NR }' both)
matrix=$(awk '{ n[$1 " " $2]++ } END { for (i = 0; i < 3; i++) for (k = 0; k < 3; k++)
    printf "%s%d%s", k ? "," : i ? ",[" : "[", n["k" i " k" k], k == 2 ? "]" : "" }' both)
run 0 - "$WEFT" eval runs/text/trained test.tsv --json
near 'accuracy' "$(field accuracy_top1 out)" "$(awk -v n="$right" 'BEGIN { printf "%.9g", n / 90 }')" 1e-6
near 'loss' "$(field loss out)" "$loss" 2e-3
check 'confusion' grep -q -F "\"confusion\":[$matrix]" out
same 'train says what eval says' "$(sed 's/.*"test":{"accuracy_top1":\([0-9.]*\).*/\1/' trained)" \
    "$(field accuracy_top1 out)"

# ---- the same of pictures

case_is 'eval and predict, pictures'
pictures pictures/train 3 24 12
pictures pictures/test 3 20 12 99
run 0 - "$WEFT" train pictures --epochs 2 --batch 8 --lr 0.005 --name pictures --threads 2 --quiet --no-report
for k in 0 1 2; do
    "$WEFT" predict runs/classify/pictures pictures/test/c$k --top 1 2>err |
        sed "s/.*: \(c[0-2]\) .*/\1 c$k/"
done >told
same 'answers' "$(wc -l <told | tr -d ' ')" 60
pictured=$(awk '$1 == $2 { n++ } END { print n + 0 }' told)
check 'some are right, some wrong' test "$pictured" -gt 25 -a "$pictured" -lt 60
run 0 - "$WEFT" eval runs/classify/pictures pictures --json
near 'accuracy' "$(field accuracy_top1 out)" "$(awk -v n="$pictured" 'BEGIN { printf "%.9g", n / 60 }')" 1e-6

# ---- train: the best epoch is the first of the most right answers, of equals the one of less loss

case_is 'the best epoch'
best=$(awk -F, 'NR > 1 && ($4 > top || ($4 == top && $6 < loss)) { top = $4; loss = $6; best = $1 }
    END { print best }' runs/text/trained/results.csv)
same 'best_epoch' "$(field best_epoch trained)" "$best"
near 'its accuracy' "$(sed 's/.*"val":{"accuracy_top1":\([0-9.]*\).*/\1/' trained)" \
    "$(column metrics/accuracy_top1 "$best" runs/text/trained/results.csv)" 1e-5

# ---- eval of a folder with a test set measures that, with none the validation set

case_is 'which part eval measures'
mkdir both_sets
cp train.tsv both_sets/train.tsv
cp test.tsv both_sets/test.tsv
run 0 - "$WEFT" eval runs/text/trained both_sets --json
same 'split' "$(field split out)" test
same 'samples' "$(field samples out)" 90
near 'accuracy' "$(field accuracy_top1 out)" "$(awk -v n="$right" 'BEGIN { printf "%.9g", n / 90 }')" 1e-6
mv both_sets/test.tsv both_sets/dev.tsv
run 0 - "$WEFT" eval runs/text/trained both_sets --json
same 'split' "$(field split out)" val
same 'samples' "$(field samples out)" 90
end
