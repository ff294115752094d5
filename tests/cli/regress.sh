#!/bin/sh
# regress.sh: numbers in place of classes, from a table of texts and from folders of pictures:
# scores counted again from single answers, the page, what does not go together.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib"

houses() { # COUNT SEED
    awk -v count="$1" -v seed="$2" '
    function random(n) { seed = (seed * 16807) % 2147483647; return int(seed / 65536) % n }
    BEGIN {
        split("studio flat house villa", kind); split("ruined old new", state)
        print "id,price,description"
        for (i = 0; i < count; i++) {
            k = 1 + random(4); s = 1 + random(3); r = 1 + random(6)
            printf "%d,%.1f,\"a %s %s with %d rooms\"\n", i, 50 * k * k + 30 * s + 5 * r + random(20) / 10,
                state[s], kind[k], r
        }
    }'
}

near() { # WHAT A B TOLERANCE
    check "$1: $2 and $3" awk -v a="$2" -v b="$3" -v t="$4" \
        'BEGIN { d = a - b; exit !(a != "" && b != "" && d <= t && -d <= t) }'
}

case_is 'a table'
houses 700 3 >houses.csv
run 0 'R2' "$WEFT" train houses.csv --task regress --model bag --lr 0.02 --epochs 12 --name h --json
mv out train.json
check 'it has learnt' awk -v x="$(field r2 train.json)" 'BEGIN { exit !(x > 0.8) }'
same 'its task' "$(field task train.json)" regress
check 'the linear model beside it' grep -q '"baseline":{"model":"linear"' train.json
same 'columns of results.csv' "$(head -n 1 runs/regress/h/results.csv | cut -d, -f 1-7)" \
    'epoch,time,train/loss,metrics/r2,metrics/mae,metrics/rmse,val/loss'
for part in 'Truth and prediction' 'Largest errors' 'Mean absolute error' 'linear, 1-2-grams of words'; do
    check "$part in the report" grep -q "$part" runs/regress/h/report.html
done
points=$(grep -o '<circle' runs/regress/h/report.html | wc -l)
check "a point for each of 70 samples: $points" test "$points" -ge 70

case_is 'scores are what the answers come to'
run 0 - "$WEFT" eval runs/regress/h houses.csv --split val --json
mv out eval.json
same 'samples' "$(field samples eval.json)" 70
run 0 - "$WEFT" eval runs/regress/h houses.csv --json
mv out all.json
same 'all samples' "$(field samples all.json)" 700
tail -n +2 houses.csv | cut -d '"' -f 2 >texts.txt
run 0 - "$WEFT" predict runs/regress/h texts.txt --json
# an array, an object an answer
tr '{' '\n' <out | sed -n 's/.*"price":\([^}]*\)}.*/\1/p' >answers.txt
same 'answers' "$(wc -l <answers.txt)" 700
tail -n +2 houses.csv | cut -d , -f 2 | paste - answers.txt | awk '
    { n++; t[n] = $1; sum += $1; e = $2 - $1; square += e * e; off += e < 0 ? -e : e }
    END {
        mean = sum / n
        for (i = 1; i <= n; i++) spread += (t[i] - mean) * (t[i] - mean)
        printf "%.6f %.6f %.6f\n", 1 - square / spread, off / n, sqrt(square / n)
    }' >counted
read -r r2 mae rmse <counted
near R2 "$r2" "$(field r2 all.json)" 1e-5
near MAE "$mae" "$(field mae all.json)" 1e-3
near RMSE "$rmse" "$(field rmse all.json)" 1e-3

case_is 'words for people'
run 0 - "$WEFT" eval runs/regress/h houses.csv
check 'a table' grep -q '^value  *R2  *MAE  *RMSE' out
check 'a row' grep -q '^price ' out
run 0 - "$WEFT" predict runs/regress/h 'a new villa with 2 rooms'
check 'an answer' grep -Eq 'price [0-9]' out
run 0 - "$WEFT" check houses.csv --task regress
check 'one value' grep -q '1 value' out
run 0 'R2' "$WEFT" train houses.csv --task regress --model bag --epochs 1 --loss smooth_l1 --no-report --no-baseline --name s
check 'the loss is remembered' grep -q '"loss": "smooth_l1"' runs/regress/s/args.json
run 0 - "$WEFT" train --resume runs/regress/s --no-report --no-baseline
run 0 - "$WEFT" flow runs/regress/h houses.csv

case_is 'folders of pictures named by numbers'
pictures stripes 4 12 8
k=0
for value in 0.5 2 3.5 10; do
    mkdir -p sizes
    mv stripes/c$k sizes/$value
    k=$((k + 1))
done
run 0 'R2' "$WEFT" train sizes --task regress --model small-cnn --epochs 2 --batch 8 --name p --json
check 'the mean beside it' grep -q '"baseline":{"model":"mean"' out
check 'pictures in the report' grep -q 'Largest errors' runs/regress/p/report.html
run 0 - "$WEFT" predict runs/regress/p sizes/2/0000.pgm
check 'an answer' grep -Eq 'value -?[0-9]' out

case_is 'what does not go together'
run 2 'mse|l1|smooth_l1' "$WEFT" train houses.csv --task regress --loss log
run 2 '--smoothing is for the task classify' "$WEFT" train houses.csv --task regress --smoothing 0.1
run 2 '--loss is for the task regress' "$WEFT" train houses.csv --loss l1 --text-column description --label-column id
run 2 "the model's task is regress" "$WEFT" eval runs/regress/h houses.csv --task classify
printf 'a,b\nx,y\nz,w\n' >letters.csv
run 3 'looks like a value' "$WEFT" train letters.csv --task regress
printf 'price,text\n5,one\n5,two\n5,three\n' >same.csv
run 3 'found one: all 3 training samples have the price 5' "$WEFT" train same.csv --task regress --no-val
end
