#!/bin/sh
# determinism.sh: the same bits for any number of threads, and for a run that was stopped at
# random moments by Ctrl-C and kill -9 and gone on with. STOPS, SIDE, COUNT, CLASSES, EPOCHS
# and VARIANTS make it larger (determinism_slow.sh); SEED repeats a run.
# timeout: 600
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib"

: "${SEED:=$(date +%s)}" "${STOPS:=4}" "${SIDE:=12}" "${COUNT:=60}" "${CLASSES:=3}" "${EPOCHS:=12}"
: "${VARIANTS:=plain everything augmented careful}" "${THREADS:=1 2 3 7}"
if $sanitized; then
    STOPS=3 COUNT=30 EPOCHS=5 THREADS='1 3'
fi
echo "seed $SEED (SEED=$SEED repeats the moments)"

pictures data "$CLASSES" "$COUNT" "$SIDE"

options_of() {
    case $1 in
    plain) echo '--model small-cnn --batch 16' ;;
    everything) # odd batch: a last one that is smaller; groups of batches for an update
        echo '--model small-cnn --batch 7 --accumulate 3 --optimizer adam --lr 0.003 --ema 0.9
              --mixup 0.4 --dropout 0.3 --smoothing 0.1 --clip-norm 5 --schedule cosine --warmup 1' ;;
    augmented) echo '--model small-cnn --batch 16 --augment strong --flip-vertical 0.3 --optimizer rmsprop
                     --lr 0.001 --schedule plateau --gamma 0.5 --no-val --seed 5' ;;
    careful) echo '--model resnet20 --batch 24 --optimizer adamw --schedule step --step 1 --gamma 0.7
                   --balance --clip-value 0.5 --shift 2 --loader-threads 3 --fit crop' ;;
    lenet) echo '--model lenet5 --batch 64 --shift 1 --ema 0.99' ;;
    esac
}

random_state=$((SEED % 2147483646 + 1))
random() { # BELOW: sets r
    random_state=$((random_state * 16807 % 2147483647))
    r=$((random_state % $1))
}

milliseconds() {
    date +%s%N | cut -c 1-13
}

train() { # NAME THREADS OPTIONS...
    run_name=$1
    threads=$2
    shift 2
    "$WEFT" train data --project runs --name "$run_name" --epochs "$EPOCHS" --threads "$threads" \
        --save-seconds 0.02 --quiet --no-report --json "$@" >"$run_name.json" 2>err
}

# The run folder's files that must not depend on how it came about; times are left out.
outcome() { # NAME
    for f in best.onnx last.onnx; do cksum <"runs/classify/$1/$f"; done
    cut -d, -f 1,3- "runs/classify/$1/results.csv"
}

# One process of a run, ended after $2 milliseconds by signal $1 if it is still there. Sets
# code and done.
piece() { # SIGNAL MS OPTIONS...
    signal=$1
    after=$(printf '%d.%03d' $(($2 / 1000)) $(($2 % 1000)))
    shift 2
    if [ -e runs/classify/stopped/last.ckpt ]; then
        set -- --resume runs/classify/stopped "$@"
    else # ended before there was anything to go on with
        set -- data --project runs --name stopped --force --epochs "$EPOCHS" --save-seconds 0.02 $options "$@"
    fi
    timeout --preserve-status -s "$signal" "$after" "$WEFT" train --quiet --no-report --json "$@" >stopped.json 2>err
    code=$?
}

for variant in $VARIANTS; do
    options=$(options_of "$variant")
    wanted=
    whole=
    for threads in $THREADS; do
        case_is "$variant, $threads threads"
        began=$(milliseconds)
        # shellcheck disable=SC2086
        train "$variant-$threads" "$threads" $options || wrong "exit code $?"
        took=$(($(milliseconds) - began))
        hash=$(field params_sha256 "$variant-$threads.json")
        same 'a hash of 64 digits' "${#hash}" 64
        if [ -z "$wanted" ]; then
            wanted=$hash
            whole=$(outcome "$variant-$threads")
        fi
        same 'params_sha256' "$hash" "$wanted"
        same 'models and results' "$(outcome "$variant-$threads")" "$whole"
    done

    case_is "$variant, killed between its last checkpoint and results.csv"
    rm "runs/classify/$variant-$threads/results.csv"
    "$WEFT" train --resume "runs/classify/$variant-$threads" --quiet --no-report >/dev/null 2>err ||
        wrong "exit code $?"
    same 'models and results' "$(outcome "$variant-$threads")" "$whole"

    case_is "$variant, stopped and gone on with"
    rm -rf runs/classify/stopped
    stops=0
    tries=0
    code=1
    while [ $stops -lt "$STOPS" ] && [ $tries -lt $((STOPS * 4)) ]; do
        tries=$((tries + 1))
        random 2
        signal=$([ $r -eq 0 ] && echo INT || echo KILL)
        random $((took * 3 / 2 / (STOPS + 1) + 20))
        delay=$((r + 15))
        random 3
        piece $signal $delay --threads $((r + 1))
        case $code in
        130 | 137) stops=$((stops + 1)) ;;
        0) break ;;
        *) wrong "exit code $code after SIG$signal at $delay ms" ;;
        esac
        if grep -E -q 'Sanitizer|runtime error:' err; then wrong "a sanitizer's report"; fi
    done
    if [ $code -ne 0 ]; then piece KILL 300000; fi
    same 'exit code' $code 0
    echo "$variant: $stops stops in $tries pieces, $took ms in one piece"
    same 'params_sha256' "$(field params_sha256 stopped.json)" "$wanted"
    same 'models and results' "$(outcome stopped)" "$whole"
done
end
