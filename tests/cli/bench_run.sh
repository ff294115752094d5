#!/bin/sh
# bench_run.sh: bench/run and bench/compare, weft alone: what they write, wrong arguments.
# timeout: 600
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib"

command -v python3 >/dev/null || exit 77
[ -n "${WEFT_BUILD:-}" ] || exit 77
bench=$source_folder/bench

talks() { # CODE COMMAND...: exit code, no traceback
    code=$1
    shift
    timeout -k 5 120 "$@" >out 2>err </dev/null
    same "exit code of $*" $? "$code"
    if grep -q Traceback err; then wrong "a traceback: $*"; fi
}

case_is 'a part of bench/run'
talks 0 python3 "$bench/run" "$WEFT_BUILD" --part networks,inference --only lenet5 --rounds 2 \
    --threads 1,2 --seconds 0.01 --no-peers --no-install --out results
for file in networks.json inference.json report.md chart.svg; do check "$file" test -s results/$file; done
if command -v jq >/dev/null; then
    same 'rows' "$(jq '.rows | length' results/networks.json)" 2
    check 'rounds' jq -e '.rows[1].results.weft | length == 2' results/networks.json
fi
same 'rows of the tables' "$(grep -c '^| lenet5' results/report.md)" 4

case_is 'adding, and the report alone'
talks 0 python3 "$bench/run" "$WEFT_BUILD" --part networks --add --only small-cnn --rounds 1 \
    --threads 1 --seconds 0.01 --no-peers --no-install --out results
same 'rows' "$(grep -c '^| lenet5' results/report.md)" 4
same 'rows of the other' "$(grep -c '^| small-cnn' results/report.md)" 1
cp results/networks.json before
talks 0 python3 "$bench/run" "$WEFT_BUILD" --report --out results
check 'nothing measured' cmp before results/networks.json
talks 0 python3 "$bench/run" "$WEFT_BUILD" --part networks --missing --out results --no-install
check 'nothing missing' cmp before results/networks.json

case_is 'bench/compare'
talks 0 python3 "$bench/compare" "$WEFT_BUILD" "$WEFT_BUILD" --only lenet5 --rounds 2 --seconds 0.01 \
    --old-env WEFT_ISA=scalar --phase both
check 'a training step' grep -q '^| lenet5 | train 64 |' out
check 'a prediction' grep -q '^| lenet5 | infer 1 |' out
check 'the instruction set' grep -q '(scalar)' out

case_is 'wrong arguments'
for arguments in '--part nothing' '--rounds 0' '--threads 0' '--seconds 0' '--peers nobody' '--unknown'; do
    # shellcheck disable=SC2086 # a list of words
    talks 2 python3 "$bench/run" "$WEFT_BUILD" $arguments
done
talks 1 python3 "$bench/run" nowhere --no-install --out results
talks 2 python3 "$bench/compare" "$WEFT_BUILD"
talks 2 python3 "$bench/compare" "$WEFT_BUILD" "$WEFT_BUILD" --old-env nothing
talks 1 python3 "$bench/compare" nowhere "$WEFT_BUILD"

end
