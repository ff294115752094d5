/* texts.c: any bytes as a file of labelled texts, in every format: rows, columns,
 * samples with classes or values, and a tokenizer of what was read. */
#include "data/text/tokens.h"
#include "data/text/tokenizer/utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_BYTES = 1 << 10, LENGTH = 16 };

static char path[64];

static void forget(void)
{
    unlink(path);
}

/* The content as a file; readers open them by name. */
static int put(const uint8_t *data, size_t size)
{
    FILE *f;
    if (!*path) {
        weft_set_quiet(2);
        snprintf(path, sizeof path, "/tmp/weft-fuzz-%ld", (long)getpid());
        atexit(forget);
    }
    f = fopen(path, "wb");
    if (!f) return 0;
    fwrite(data, 1, size, f);
    return !fclose(f);
}

/* What the data set keeps as tokens is what the text itself becomes. */
static void check_tokens(const weft_dataset *d, const weft_tokenizer *k)
{
    int32_t ids[6][LENGTH];
    int32_t *const a[3] = {ids[0], ids[1], ids[2]}, *const b[3] = {ids[3], ids[4],
                                                                   ids[5]};
    weft__numbered n;
    if (weft__numbered_begin(&n, d->content, WEFT_SUBSET_TRAIN, k)) abort();
    for (int i = 0; i < n.count; i++) {
        size_t bytes;
        int unknown, strange;
        const char *text = weft_dataset_text(d, WEFT_SUBSET_TRAIN, i, &bytes);
        int length = weft_tokenize(k, text, bytes, a, &unknown);
        if (weft__numbered_text(&n, i, b, &strange) != length || strange != unknown)
            abort();
        if (memcmp(ids[0], ids[3], 3 * sizeof ids[0])) abort();
        if (unknown && bytes) {
            weft__segmenter c;
            weft__segmenter_begin(&c, weft_tokenizer_level(k), false, false);
            weft__segmenter_set(&c, text, bytes);
            if (weft__segment_next(&c)) abort(); /* every token of train is known */
        }
    }
    weft__numbered_end(&n);
}

static void check(const weft_dataset *d)
{
    const weft_tokenizer_opts o = {.ngrams = 3, .max_length = LENGTH};
    weft_tokenizer *k;
    if (weft_tokenizer_learn(d, &o, &k)) abort();
    for (int i = 0; i < weft_dataset_count(d, WEFT_SUBSET_TRAIN); i++) {
        size_t n;
        const char *text = weft_dataset_text(d, WEFT_SUBSET_TRAIN, i, &n);
        int label = weft_dataset_label(d, WEFT_SUBSET_TRAIN, i);
        const float *value = weft_dataset_value(d, WEFT_SUBSET_TRAIN, i);
        if (weft__utf8_good(text, n) < n || strlen(text) != n || n > MOST_BYTES) abort();
        if (value ? !isfinite(*value) : label < 0 || label >= weft_dataset_classes(d))
            abort();
    }
    check_tokens(d, k);
    weft_tokenizer_free(k);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const format[] = {NULL,    "tsv",      "csv",
                                         "jsonl", "fasttext", "space"};
    enum { FORMATS = sizeof format / sizeof *format };
    if (!put(data, size)) return 0;
    for (int i = 0; i < 2 * FORMATS; i++) {
        weft_dataset *d;
        weft_dataset_opts o = {.modality = "text",
                               .target =
                                   i < FORMATS ? WEFT_TARGET_CLASS : WEFT_TARGET_VALUES,
                               .text.format = format[i % FORMATS],
                               .skip_bad = true,
                               .val = path,
                               .text.max_text_bytes = MOST_BYTES};
        if (weft_dataset_open(path, &o, &d)) continue;
        check(d);
        weft_dataset_close(d);
    }
    return 0;
}
