#!/bin/sh
# bad_input.sh: wrong pictures, data sets, options and model files: one clear line, the right
# exit code, nothing of the user's changed. I stands for pictures, D for data sets, G for options,
# O and C for model files and checkpoints, L for labels.
# timeout: 600
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib"
. "$here/pictures"

small='--epochs 1 --batch 8 --quiet --no-report --threads 2'
export small WEFT

$sanitized || ulimit -v 1000000 # kilobytes; nothing here may ask for more

# ---- the user's files ----

pictures data/good 3 12 12
picture_files data/pictures
"$WEFT" train data/good --project old --name run $small --epochs 2 >out 2>err ||
    { wrong 'the first training failed'; end; }
cp -R old/classify/run old/run

like() { # DIR: a copy of the good set to spoil
    mkdir -p data
    cp -R data/good "data/$1"
}

like with-empty && cp data/pictures/empty.jpg data/with-empty/c0/a.jpg
like with-text && cp data/pictures/text.jpg data/with-text/c0/a.jpg
like with-huge && cp data/pictures/huge.jpg data/with-huge/c1/a.jpg
like with-many && for i in 1 2 3; do echo "$i" >data/with-many/c0/$i.jpg; done
like misnamed && cp data/pictures/misnamed.jpg data/misnamed/c0/a.jpg
like formats && for f in base.jpg cmyk.jpg prog.jpg turned.jpg alpha.png grey16.png palette.png; do
    cp data/pictures/$f data/formats/c1/
done
mkdir -p data/cuts/c0 data/cuts/c1
for f in base.jpg prog.jpg rgb.png; do # cut at every sixteenth
    size=$(wc -c <data/pictures/$f)
    i=1
    while [ $i -lt 16 ]; do
        head -c $((size * i / 16)) data/pictures/$f >data/cuts/c0/$i-$f
        i=$((i + 1))
    done
done
cp data/pictures/rgb.png data/cuts/c1/

mkdir -p data/empty data/one-class data/no-pictures/a data/no-pictures/b data/hidden/.git
cp -R data/good/c0 data/one-class/
echo text >data/no-pictures/a/notes.md
echo text >data/no-pictures/b/notes.md
like same-case && cp -R data/good/c0 data/same-case/C0
like loop && ln -s .. data/loop/c0/loop && ln -s /nowhere data/loop/c1/dead
like pipe && mkfifo data/pipe/c0/pipe.png && ln -s /dev/zero data/pipe/c1/zero.png
like 'shell;$(touch gone)' && cp data/good/c0/0000.pgm 'data/shell;$(touch gone)/c0/`touch gone`.pgm'
like clutter && touch data/clutter/c0/.DS_Store data/clutter/c1/Thumbs.db data/clutter/README
mkdir -p data/overlap && cp -R data/good data/overlap/train && cp -R data/good data/overlap/val
like gap && mkdir data/gap/c9
mkdir -p data/foreign && cp -R data/good data/foreign/train && mkdir -p data/foreign/val/other &&
    cp data/good/c0/0000.pgm data/foreign/val/other/
like bytes && mv data/bytes/c0 "data/bytes/$(printf 'a\377\033[31m')"
like big && awk 'BEGIN { print "P2 20 400 255"; for (i = 0; i < 8000; i++) print i % 256 }' >data/big/c0/tall.pgm

mkdir data/idx data/idx-cut data/idx-label data/idx-count data/idx-zero data/idx-gz
for d in idx idx-cut idx-label idx-count idx-gz; do
    idx_images data/$d/train-images-idx3-ubyte 30 12
    idx_labels data/$d/train-labels-idx1-ubyte 30 3
done
head -c 2000 data/idx/train-images-idx3-ubyte >data/idx-cut/train-images-idx3-ubyte
printf '\377' | dd of=data/idx-label/train-labels-idx1-ubyte bs=1 seek=20 conv=notrunc 2>/dev/null
idx_labels data/idx-count/train-labels-idx1-ubyte 29 3
printf '\000\000\010\003\377\377\377\377\377\377\377\377\377\377\377\377' >data/idx-zero/train-images-idx3-ubyte
cp data/idx/train-labels-idx1-ubyte data/idx-zero/
rm data/idx-gz/train-images-idx3-ubyte
gzip -c data/idx/train-images-idx3-ubyte | head -c 40 >data/idx-gz/train-images-idx3-ubyte.gz
mkdir data/cifar && head -c 5000 /dev/zero >data/cifar/data_batch_1.bin

# ---- model files ----

best=old/run/best.onnx
size=$(wc -c <$best)
mkdir data/models
: >data/models/empty.onnx
echo 'no model' >data/models/text.onnx
head -c 100 $best >data/models/short.onnx
head -c $((size - 1)) $best >data/models/last-byte.onnx
head -c $((size / 2)) $best >data/models/half.onnx
head -c 64 /dev/urandom >data/models/noise.onnx
yes '' | head -c 40000 | tr '\n' '\012' >data/models/deep.onnx
mkfifo data/models/pipe.onnx
i=0
while [ $i -lt 12 ]; do # one byte of the structure changed
    cp $best "data/models/flip$i.onnx"
    printf '\377' | dd of="data/models/flip$i.onnx" bs=1 seek=$((i * 37 + 3)) conv=notrunc 2>/dev/null
    i=$((i + 1))
done

ckpt=old/run/last.ckpt
spoil() { # NAME: a copy of the run with its last checkpoint to be spoiled, no generation before
    cp -R old/run "data/$1"
    rm -f "data/$1/last.ckpt.previous" "data/$1/epoch.ckpt"
    rm -f "data/$1/last.ckpt" && cp $ckpt "data/$1/last.ckpt"
}
size=$(wc -c <$ckpt)
for cut in 0 1 7 8 9 100 1000 $((size / 2)) $((size - 33)) $((size - 1)); do
    spoil "cut-$cut"
    head -c "$cut" $ckpt >"data/cut-$cut/last.ckpt"
done
for at in 0 3 8 30 300 $((size / 2)) $((size - 20)) $((size - 1)); do
    spoil "flip-$at"
    byte=$(od -An -tu1 -j "$at" -N 1 $ckpt | tr -d ' ')
    printf "\\$(printf %o $((byte ^ 16)))" | dd of="data/flip-$at/last.ckpt" bs=1 seek="$at" conv=notrunc 2>/dev/null
done
spoil none && rm data/none/last.ckpt
spoil header && printf '\377\377\377\377\377\377\377\177' | dd of=data/header/last.ckpt bs=1 conv=notrunc 2>/dev/null
spoil no-args && rm data/no-args/args.json
spoil bad-args && echo '{"data": 7' >data/bad-args/args.json
spoil twice-args && echo '{"data": "x", "data": "y"}' >data/twice-args/args.json
spoil odd-args && echo "{\"data\": \"$work/data/good\", \"colour\": 1}" >data/odd-args/args.json
spoil range-args && echo "{\"data\": \"$work/data/good\", \"epochs\": 4000000000}" >data/range-args/args.json
spoil type-args && echo "{\"data\": \"$work/data/good\", \"optimizer\": \"magic\"}" >data/type-args/args.json

long=$(head -c 100000 /dev/zero | tr '\000' x)
esc=$(printf 'e\033[31mx\377')
export long esc

# ---- the rows: name | exit code | text on stderr | command (W is the command, T is
# "train" with small settings) ----

state() { # of everything that must not change
    find data old ! -name lock -printf '%p %y %m %s %T@\n' 2>/dev/null | sort
    if [ -e gone ]; then echo 'a name was run by a shell'; fi
}

before=$(state)
table() {
    while IFS='|' read -r row code text command; do
        row=$(echo "$row" | sed 's/ *$//')
        code=$(echo "$code" | tr -d ' ')
        text=$(echo "$text" | sed 's/^ *//;s/ *$//')
        [ -n "$row" ] || continue
        case_is "$row"
        W=$WEFT
        limit=20
        # shellcheck disable=SC2086
        eval "set -- $(echo "$command" | sed "s@^ *W @'$W' @;s@^ *T @'$W' train $small @")"
        run "$code" "$text" "$@"
        after=$(state)
        if [ "$before" != "$after" ]; then
            wrong 'changed files of the user'
            echo "$before" >before.txt
            echo "$after" | diff before.txt - | head -n 5
            before=$after
        fi
        if [ "$got" -ne 0 ] && [ -e runs ] && find runs -type f | grep -q .; then
            wrong 'left a run folder'
        fi
        rm -rf runs
    done
}

table <<'END'
I1 empty file                | 3 | a.jpg       | T data/with-empty
I1 text named .jpg           | 3 | a.jpg       | T data/with-text
I1 predict an empty file     | 3 | empty.jpg   | W predict old/run data/pictures/empty.jpg
I1 predict text              | 3 | text.jpg    | W predict old/run data/pictures/text.jpg
I2 cut pictures              | 3 | truncated   | T data/cuts
I2 cut pictures left out     | 3 | cannot be read | T data/cuts --skip-bad=50% --bad-list bad.tsv
I3 JPEG of 65535 squared     | 3 | 65535 x 65535 | W predict old/run data/pictures/huge.jpg
I3 PNG of 65535 squared      | 3 | 64 megapixels | W predict old/run data/pictures/wide.png
I3 PNG of 2^31 squared       | 3 | 2147483647  | W predict old/run data/pictures/giant.png
I3 PGM of 65535 squared      | 3 | 65535       | W predict old/run data/pictures/wide.pgm
I3 in a data set             | 3 | a.jpg       | T data/with-huge
I3 a lower limit             | 3 | megapixels  | T data/big --max-megapixels 0.005
I4 PNG of no width           | 3 | 0 x 4       | W predict old/run data/pictures/zero.png
I4 PGM of no width           | 3 | zero.pgm    | W predict old/run data/pictures/zero.pgm
I4 one pixel                 | 0 | -           | W predict old/run data/pictures/one.pgm
I4 one pixel wide            | 0 | -           | W predict old/run data/pictures/thin.pgm
I5 thousands of scans        | 3 | scans       | W predict old/run data/pictures/scans.jpg
I6 CMYK                      | 0 | -           | W predict old/run data/pictures/cmyk.jpg
I6 progressive               | 0 | -           | W predict old/run data/pictures/prog.jpg
I6 EXIF orientation          | 0 | -           | W predict old/run data/pictures/turned.jpg
I6 grey with alpha           | 0 | -           | W predict old/run data/pictures/alpha.png
I6 16 bit                    | 0 | -           | W predict old/run data/pictures/grey16.png
I6 palette                   | 0 | -           | W predict old/run data/pictures/palette.png
I6 all in one data set       | 0 | -           | T data/formats
I7 PNG called .jpg           | 0 | a.jpg       | T data/misnamed
I8 GIF                       | 3 | GIF         | W predict old/run data/pictures/moving.gif
I8 WebP                      | 3 | WebP        | W predict old/run data/pictures/x.webp
I8 HEIC                      | 3 | HEI         | W predict old/run data/pictures/x.heic
I8 AVIF                      | 3 | AVIF        | W predict old/run data/pictures/x.avif
I8 the supported are named   | 3 | PNG, JPEG   | W predict old/run data/pictures/x.webp
END

table <<'END'
D1 missing                   | 3 | no such     | T data/nowhere
D1 empty folder              | 3 | looked for  | T data/empty
D1 no pictures               | 3 | picture     | T data/no-pictures
D1 only hidden folders       | 3 | looked for  | T data/hidden
D1 one class                 | 3 | class       | T data/one-class
D1 a file                    | 3 | text.jpg    | T data/pictures/text.jpg
D1 eval a missing set        | 3 | no such     | W eval old/run data/nowhere
D2 train is val              | 0 | train       | T data/overlap
D3 names that differ in case | 0 | -           | T data/same-case
D3 stray and hidden files    | 0 | -           | T data/clutter
D4 links in a circle         | 0 | loop        | T data/loop
D4 pipe and device           | 0 | pipe.png    | T data/pipe
D4 names for a shell         | 0 | -           | T 'data/shell;$(touch gone)'
D4 bytes that are no text    | 0 | -           | T data/bytes
L6 a class without pictures  | 0/3 | c9        | T data/gap
L1 a class unknown to train  | 3 | other       | T data/foreign
many bad are counted         | 3 | 3 of        | T data/with-many
too many bad                 | 3 | 1 %         | T data/with-many --skip-bad=1% --bad-list bad.tsv
bad ones left out            | 0 | 3 of        | T data/with-many --skip-bad
IDX cut                      | 3 | train-images | T data/idx-cut
IDX label out of range       | 0/3 | -         | T data/idx-label
IDX counts differ            | 3 | 29          | T data/idx-count
IDX header of 2^32           | 3 | train-images | T data/idx-zero
IDX gzip cut                 | 3 | train-images | T data/idx-gz
CIFAR cut                    | 3 | data_batch_1.bin | T data/cifar
eval other classes           | 2 | classes     | W eval old/run data/same-case
val that is not there        | 3 | data/nowhere | T data/good --val data/nowhere
END

table <<'END'
G2 1e999                     | 2 | --lr: found 1e999       | T data/good --lr 1e999
G2 nan                       | 2 | --lr: found nan         | T data/good --lr nan
G2 inf                       | 2 | --lr: found inf         | T data/good --lr=inf
G2 hexadecimal               | 2 | --lr: found 0x1p3       | T data/good --lr 0x1p3
G2 blank before              | 2 | --epochs                | T data/good --epochs ' 12'
G2 letters behind            | 2 | --epochs: found 12x     | T data/good --epochs 12x
G2 2^63                      | 2 | --epochs                | T data/good --epochs 9223372036854775808
G2 2^64 as a seed            | 2 | --seed                  | T data/good --seed 18446744073709551616
G2 a comma                   | 2 | --lr: found 0,1         | T data/good --lr 0,1
G2 empty                     | 2 | --epochs                | T data/good --epochs ''
G2 -0 is 0                   | 0 | -                       | T data/good --warmup=-0 --schedule cosine
G2 percent                   | 2 | --skip-bad              | T data/good --skip-bad=lots
G2 bytes                     | 2 | --max-mem               | T data/good --max-mem 12Q
G2 bytes too many            | 2 | --max-mem               | T data/good --max-mem 99999999999G
G3 batch 0                   | 2 | --batch: found 0        | T data/good --batch 0
G3 epochs -1                 | 2 | --epochs: found -1      | T data/good --epochs -1
G3 a million threads         | 2 | --threads               | T data/good --threads 1000000
G3 channels 2                | 2 | 1 and 3                 | T data/good --channels 2
G3 kernel > input            | 2 | [1,                     | T data/good --model lenet5
G3 a pixel is too little     | 2 | [                       | T data/good --model lenet5 --imgsz 1
G3 milestones fall           | 2 | --milestones            | T data/good --schedule multistep --milestones 5,3
G3 milestones of words       | 2 | --milestones            | T data/good --schedule multistep --milestones a,b
G3 more memory than allowed  | 6 | --max-mem               | T data/good --max-mem 100k
G4 no such network           | 2 | small-cnn               | T data/good --model smal-cnn
G4 --from a missing file     | 5 | nowhere.onnx            | T data/good --from nowhere.onnx
G4 --from no parameter that fits | 2 | no parameter       | T data/good --from old/run/best.onnx --model resnet20
G5 no command                | 2 | -                       | W nonsense
G5 a command misspelt        | 2 | Did you mean train      | W trian data/good
G5 no arguments              | 2 | which data set          | W train
G5 unknown option            | 2 | Did you mean --epochs   | T data/good --epoch5 3
G5 unknown letter            | 2 | -x                      | T data/good -x
G5 unknown key               | 2 | epochs                  | T data/good epoch=3
G5 a value is missing        | 2 | --epochs needs a value  | T data/good --epochs
G5 a value too many          | 2 | takes no value          | T data/good --json=maybe
G5 two data sets             | 2 | one data set            | T data/good data/good
G5 val and no-val            | 2 | --no-val                | T data/good --val data/good --no-val
G5 bad-list alone            | 2 | --skip-bad              | T data/good --bad-list x.tsv
G5 reset without resume      | 2 | --resume                | T data/good --reset-optimizer
G5 gamma without use         | 2 | --gamma                 | T data/good --gamma 0.5
G5 warmup with onecycle      | 2 | onecycle                | T data/good --warmup 2
G5 momentum with adam        | 2 | --momentum              | T data/good --optimizer adam --momentum 0.5
G5 resume with a name        | 2 | --name                  | W train --resume old/run --name x
G5 100 kB as data            | 3 | xxxx                    | T "$long"
G5 100 kB as option          | 2 | xxxx                    | T data/good "--$long"
G5 100 kB as value           | 2 | xxxx                    | T data/good --epochs "$long"
G5 100 kB as key             | 2 | xxxx                    | T data/good "$long=1"
G5 control bytes             | 3 | \x1b                    | T "$esc"
G5 control bytes in options  | 2 | \x1b                    | T data/good "--$esc"
G5 control bytes in values   | 2 | \x1b                    | T data/good --model "$esc"
G5 empty data                | 2 | no data set             | T ''
G5 leading minus             | 3 | -data                   | T -- -data
G5 name with a slash         | 2 | --name                  | T data/good --name a/b
G5 name of dots              | 2 | --name                  | T data/good --name ..
G6 taken name                | 2 | --force                 | T data/good --project old --name run
G6 inside the data set       | 2 | inside the data set     | T data/good --project data/good/runs
G6 bad list inside the data  | 2 | inside the data set     | T data/with-many --skip-bad --bad-list data/with-many/c0/0000.pgm
G6 project is a file         | 5 | text.jpg                | T data/good --project data/pictures/text.jpg
eval without data            | 2 | model and a data set    | W eval old/run
eval unknown split           | 2 | allowed train           | W eval old/run data/good --split all
eval a split that is not     | 3 | test                    | W eval old/run data/good --split test
predict nothing              | 2 | pictures                | W predict old/run
predict an empty folder      | 3 | none                    | W predict old/run data/empty
predict a missing file       | 5 | nowhere.png             | W predict old/run nowhere.png
predict top 0                | 2 | --top                   | W predict old/run data/pictures/rgb.png --top 0
show nothing                 | 2 | one model               | W show
show an unknown network      | 2 | resnet9000              | W show resnet9000
show 10^9 samples            | 2 | --batch                 | W show lenet5 --batch 1000000000
gradcheck nothing            | 2 | one model               | W gradcheck
check nothing                | 2 | one data set            | W check
ops with an argument         | 2 | no arguments            | W ops relu
help of nothing known        | 2 | no command              | W help nonsense
help of an unknown shell     | 2 | allowed bash            | W help --completion tcsh
END

table <<'END'
O1 empty                     | 4 | empty.onnx     | W show data/models/empty.onnx
O1 text                      | 4 | text.onnx      | W show data/models/text.onnx
O1 100 bytes                 | 4 | short.onnx     | W show data/models/short.onnx
O1 half                      | 4 | half.onnx      | W eval data/models/half.onnx data/good
O1 the last byte is missing  | 4 | last-byte.onnx | W predict data/models/last-byte.onnx data/pictures/rgb.png
O1 noise                     | 4 | noise.onnx     | W gradcheck data/models/noise.onnx
O7 nested                    | 4 | deep.onnx      | W show data/models/deep.onnx
O9 a pipe                    | 5 | pipe.onnx      | W show data/models/pipe.onnx
O9 a device                  | 5 | /dev/zero      | W show /dev/zero
--from half a model          | 4 | half.onnx      | T data/good --from data/models/half.onnx
a missing model              | 5 | nowhere.onnx   | W eval nowhere.onnx data/good
a folder without a model     | 5 | best.onnx      | W predict data/empty data/pictures/rgb.png
a picture as a model         | 4 | rgb.png        | W show data/pictures/rgb.png
C2 no checkpoint             | 5 | last.ckpt      | W train --resume data/none
C4 header longer than file   | 4 | last.ckpt      | W train --resume data/header
no run folder                | 2 | no run folder  | W train --resume data/good
no args.json                 | 2 | no run folder  | W train --resume data/no-args
args.json cut                | 2 | args.json:     | W train --resume data/bad-args
args.json says it twice      | 2 | args.json:1    | W train --resume data/twice-args
args.json unknown key        | 2 | colour         | W train --resume data/odd-args
args.json out of range       | 2 | epochs         | W train --resume data/range-args
args.json not a choice       | 2 | optimizer      | W train --resume data/type-args
C6 other classes             | 2 | classes        | W train data/same-case --resume old/run
C6 other data                | 2 | data           | W train data/idx --resume old/run
C6 other network             | 2 | parameters     | W train --resume old/run --model resnet20
C6 other optimizer           | 2 | optimizer      | W train --resume old/run --optimizer adam
C6 other rate                | 2 | lr             | W train --resume old/run --lr 0.5
C6 other augmentation        | 2 | augmentation   | W train --resume old/run --rotate 5
C6 exact convolutions        | 2 | convolutions   | W train --resume old/run --exact-conv
C6 fewer epochs              | 2 | epochs         | W train --resume old/run --epochs 1
C6 all differences at once   | 2 | weight decay   | W train --resume old/run --lr 0.5 --weight-decay 0.1
END

case_is 'D1 check a missing set'
partial=yes
"$WEFT" check data/nowhere >out 2>err
same 'exit code' $? 3
check 'the finding' grep -q 'no such' out

# Every cut and flip of a checkpoint without a generation before it: refused, and left alone.
for d in data/cut-* data/flip-*; do
    case_is "C1 $d"
    limit=20 run 4 last.ckpt "$WEFT" train --resume "$d" --quiet --no-report
done
# A changed byte in a model's structure: loads as something, or is refused.
for f in data/models/flip*.onnx; do
    case_is "O2 $f"
    partial=yes run 0/4/6 - "$WEFT" show "$f"
done
partial=
case_is 'nothing of the user was changed'
same 'files' "$before" "$(state)"
end
