#!/bin/sh
# faults.sh: full disks, folders that cannot be written, locks, damaged checkpoints, data that
# go away, kills in the middle of saving, divergence. Whatever happens, a run goes on to the
# bits that it would have had.
# timeout: 600
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib"

pictures data 3 24 12
options='--epochs 6 --batch 8 --no-report --threads 2 --save-seconds 0.01 --ema 0.9'
# shellcheck disable=SC2086
"$WEFT" train data $options --name whole --json --quiet >out 2>err || { wrong 'the first training'; end; }
wanted=$(field params_sha256 out)

go_on() { # NAME OPTIONS...: resumes and holds the result to the whole run's
    resumed=runs/classify/$1
    shift
    run 0 - "$WEFT" train --resume "$resumed" --json --quiet --no-report "$@"
    same 'params_sha256' "$(field params_sha256 out)" "$wanted"
    check 'the same model' cmp "$resumed/best.onnx" runs/classify/whole/best.onnx
}

wait_for() { # WHAT COMMAND...: at most 30 seconds
    what=$1
    shift
    tries=0
    while ! "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        if [ $tries -gt 600 ]; then
            wrong "waited in vain for $what"
            return
        fi
        sleep 0.05
    done
}

start() { # NAME OPTIONS...: in the background until its second epoch is over; sets pid
    started=$1
    shift
    # shellcheck disable=SC2086
    env --default-signal=INT,QUIT "$WEFT" train data $options --name "$started" --json "$@" >run.out 2>run.err &
    pid=$!
    wait_for 'the first epochs' epochs_done "$started" 2
}

epochs_done() { # NAME N
    test -s "runs/classify/$1/results.csv" &&
        test "$(wc -l <"runs/classify/$1/results.csv")" -gt "$2"
}

partway() { # NAME: a run stopped in the middle
    start "$1" --epochs 6
    kill -TERM $pid 2>/dev/null
    wait $pid
    code=$?
    if [ $code -ne 143 ] && [ $code -ne 0 ]; then wrong "exit code $code, should be 143"; fi
}

# ---- disks ----

case_is 'F3 no room from the start'
# shellcheck disable=SC2086
run 5 'too large' sh -c 'ulimit -f 100; exec "$0" "$@"' "$WEFT" train data $options --name none --quiet
check 'no run folder is left' test ! -e runs/classify/none

case_is 'F3 no room for a resume'
partway room
sum=$(cksum <runs/classify/room/last.ckpt)
run 5 'too large' sh -c 'ulimit -f 100; exec "$0" "$@"' "$WEFT" train --resume runs/classify/room --quiet --no-report
same 'the checkpoint' "$(cksum <runs/classify/room/last.ckpt)" "$sum"
check 'no temporary file' test ! -e runs/classify/room/last.ckpt.new
go_on room

if prlimit --pid $$ --fsize=unlimited 2>/dev/null; then
    case_is 'F3 the disk is full while training, to the end'
    start full --epochs 40
    prlimit --pid $pid --fsize=100000:
    wait $pid
    same 'exit code' $? 5
    check 'a warning' grep -q 'warning: .*the checkpoint before still stands' run.err
    check 'no result' test ! -s run.out
    wanted_before=$wanted
    "$WEFT" train data $options --epochs 40 --name whole40 --json --quiet >out 2>err
    wanted=$(field params_sha256 out)
    rm -rf runs/classify/whole.six
    mv runs/classify/whole runs/classify/whole.six
    mv runs/classify/whole40 runs/classify/whole
    go_on full

    case_is 'F3 the disk is full for a while'
    start while --epochs 40
    prlimit --pid $pid --fsize=100000:
    wait_for 'a failed save' grep -q 'still stands' run.err
    prlimit --pid $pid --fsize=unlimited:
    wait $pid
    same 'exit code' $? 0
    same 'params_sha256' "$(field params_sha256 run.out)" "$wanted"
    go_on while
    wanted=$wanted_before
    rm -rf runs/classify/whole
    mv runs/classify/whole.six runs/classify/whole
fi

if [ "$(id -u)" -eq 0 ] && mkdir small && mount -t tmpfs -o size=400k tmpfs small 2>/dev/null; then
    case_is 'F3 a full file system'
    # shellcheck disable=SC2086
    run 5 'No space left' "$WEFT" train data $options --name small --project small --quiet
    umount small
fi

case_is 'C7 a folder that cannot be written'
# root may write anywhere: then the runs are another user's
if [ "$(id -u)" -eq 0 ]; then
    chmod 755 "$work"
    other='setpriv --reuid 65534 --regid 65534 --clear-groups'
else
    other=env
fi
cp "$WEFT" weft.other
if $other ./weft.other --version >/dev/null 2>&1; then
    mkdir locked
    chmod 555 locked
    partway locked-run
    chmod -R a-w runs/classify/locked-run
    # shellcheck disable=SC2086
    run 5 'Permission denied' $other ./weft.other train data $options --project locked --quiet
    run 5 'Permission denied' $other ./weft.other train --resume runs/classify/locked-run --quiet --no-report
    chmod -R u+w runs/classify/locked-run
    go_on locked-run
    chmod 000 data/c0/0003.pgm
    # shellcheck disable=SC2086
    run 3 '0003.pgm' $other ./weft.other train data $options --project other --quiet
    chmod 644 data/c0/0003.pgm
fi

# ---- a run that is at work ----

case_is 'C7 in use by another process'
start busy --epochs 6000
cp runs/classify/busy/args.json args.before
run 5 "in use by process $pid" "$WEFT" train --resume runs/classify/busy --quiet --no-report
# shellcheck disable=SC2086
run 5 "in use by process $pid" "$WEFT" train data $options --name busy --force --quiet
check 'its options stand' cmp args.before runs/classify/busy/args.json
kill -0 $pid
same 'it is alive' $? 0
kill -KILL $pid
wait $pid 2>/dev/null
run 0 - timeout -s TERM --preserve-status 30 "$WEFT" train --resume runs/classify/busy --quiet --no-report \
    --epochs 30 --reset-optimizer

# ---- damaged checkpoints: the generation before takes over ----

for kind in cut empty flip missing; do
    case_is "C1 last.ckpt is $kind"
    partway "damage-$kind"
    file=runs/classify/damage-$kind/last.ckpt
    check 'a generation before' test -s $file.previous
    size=$(wc -c <$file)
    case $kind in
    cut) head -c $((size / 3)) $file >part && rm $file && mv part $file ;;
    empty) rm $file && : >$file ;;
    flip)
        cp $file part && rm $file && mv part $file # epoch.ckpt may be the same file
        byte=$(od -An -tu1 -j $((size / 2)) -N 1 $file | tr -d ' ')
        printf "\\$(printf %o $((byte ^ 4)))" | dd of=$file bs=1 seek=$((size / 2)) conv=notrunc 2>/dev/null
        ;;
    missing) rm $file ;;
    esac
    : >$file.new # a leftover of a kill
    go_on "damage-$kind"
    check 'a loud line' grep -q 'warning: .*previous' err
done

# ---- data that go away ----

case_is 'D5 a file is deleted while training'
# shellcheck disable=SC2086
"$WEFT" train data $options --name vanish --no-check >run.out 2>run.err &
pid=$!
wait_for 'the first step' grep -q '^run ' run.err
mv data/c1/0007.pgm kept.pgm
wait $pid
code=$?
mv kept.pgm data/c1/0007.pgm
case $code in
3 | 5) check 'the file is named' grep -q 'data/c1/0007.pgm' run.err ;;
0) echo 'the run was over too soon' ;;
*) wrong "exit code $code" ;;
esac
check 'a checkpoint' test -s runs/classify/vanish/last.ckpt
go_on vanish

case_is 'C6 data that changed between two parts of a run'
partway changed
cp data/c0/0001.pgm kept.pgm
sed '1s/255/254/' kept.pgm >data/c0/0001.pgm
echo '7 7 7' >>data/c0/0001.pgm
run 2 'data ' "$WEFT" train --resume runs/classify/changed --quiet --no-report
cp kept.pgm data/c0/0001.pgm
go_on changed

# ---- kills in the middle of a save ----

if ! $sanitized && strace -f -o /dev/null -e inject=fsync:error=EIO true 2>/dev/null; then
    # shellcheck disable=SC2086
    traced() { # WHAT: the run under strace with a fault; wants its exit code in code
        rm -rf runs/classify/traced
        strace -f -qq -o /dev/null -e trace="${1%%:*}" -e "inject=$1" \
            "$WEFT" train data $options --epochs 6 --name traced --quiet >out 2>err
        code=$?
        if [ ! -s runs/classify/traced/last.ckpt ]; then
            rm -rf runs/classify/traced
            "$WEFT" train data $options --name traced --quiet >out 2>err.other
        fi
    }
    for fault in rename:signal=KILL:when=2 rename:signal=KILL:when=5 rename:signal=KILL:when=6 \
        rename:signal=KILL:when=9 fsync:signal=KILL:when=3 fsync:signal=KILL:when=4 fsync:signal=KILL:when=11 \
        link:signal=KILL:when=2 link:signal=KILL:when=3 link:signal=KILL:when=5 write:signal=KILL:when=30; do
        case_is "F2 $fault"
        traced $fault
        go_on traced
    done
    for fault in fsync:error=EIO:when=4 fsync:error=EIO:when=9+3 write:error=ENOSPC:when=12+5 \
        write:error=EINTR:when=5+2 rename:error=EIO:when=4+2 link:error=EPERM:when=1+1; do
        case_is "F3 F4 $fault"
        traced $fault
        case $code in 0 | 5) ;; *) wrong "exit code $code" ;; esac
        if [ $code -eq 5 ]; then check 'a reason' grep -q '^weft: [^w]' err; fi
        go_on traced
    done
fi

# ---- divergence ----

case_is 'N1 a learning rate of 1e9'
# shellcheck disable=SC2086
run 7 'not finite at epoch' "$WEFT" train data $options --name mad --lr 1e9
check 'the layer' grep -q 'first in [a-z]' err
same 'halvings' "$(grep -c 'half the learning rate' err)" 3
check 'the last finite checkpoint' test -s runs/classify/mad/last.ckpt
run 0 - "$WEFT" train --resume runs/classify/mad --quiet --json --no-report --reset-optimizer --lr 0.01
check 'a finite loss' sh -c "! grep -q 'null,.samples' out"

case_is 'N1 halving helps, and a resume does not forget it'
rate=
for try in 0.7 1 1.4 2 2.8; do
    # shellcheck disable=SC2086
    "$WEFT" train data $options --name "rate-$try" --lr $try --schedule constant --imgsz 32 --json \
        --quiet --momentum 0 >out 2>err
    code=$?
    case $code in
    0) if grep -q 'half the learning rate' err; then
        rate=$try
        break
    fi ;;
    7) ;;
    *) wrong "exit code $code" ;;
    esac
done
echo "learning rate that needed halving: ${rate:-none}"
if [ -n "$rate" ]; then
    wanted=$(field params_sha256 out)
    # shellcheck disable=SC2086
    "$WEFT" train data $options --name halved --lr $rate --schedule constant --imgsz 32 --json \
        --quiet --momentum 0 >run.out 2>run.err &
    pid=$!
    wait_for 'a halving' grep -q 'half the learning rate' run.err
    kill -KILL $pid
    wait $pid 2>/dev/null
    run 0 - "$WEFT" train --resume runs/classify/halved --json --quiet --no-report
    same 'params_sha256' "$(field params_sha256 out)" "$wanted"
fi

case_is 'N3 no finite validation loss'
# shellcheck disable=SC2086
run 7 - "$WEFT" train data --epochs 2 --batch 72 --no-report --no-val --name nothing --lr 1e12 --model lenet5 --imgsz 28
check 'no best model' test ! -e runs/classify/nothing/best.onnx
end
