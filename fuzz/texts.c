/* texts.c: any bytes as a file of labelled texts, in every format: rows, columns,
 * samples, and a tokenizer of what was read. */
#include "base/log.h"
#include "data/text/text_dataset.h"
#include "data/text/tokenizer/tokenizer.h"
#include "data/text/tokenizer/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_BYTES = 1 << 10 };

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

static void check(const weft_dataset *t)
{
    int32_t ids[3][16];
    int32_t *const at[3] = {ids[0], ids[1], ids[2]};
    weft_tokenizer *k;
    if (weft_tokenizer_learn(t, &(weft_tokenizer_opts){.ngrams = 3, .max_length = 16},
                             &k))
        abort();
    for (int i = 0; i < weft_dataset_count(t, WEFT_SUBSET_TRAIN); i++) {
        size_t n;
        const char *text = weft_dataset_text(t, WEFT_SUBSET_TRAIN, i, &n);
        int unknown, label = weft_dataset_label(t, WEFT_SUBSET_TRAIN, i);
        if (weft__utf8_good(text, n) < n || strlen(text) != n || n > MOST_BYTES) abort();
        if (label < 0 || label >= weft_dataset_classes(t)) abort();
        weft_tokenize(k, text, n, at, &unknown);
        if (unknown && n) {
            weft__segmenter c;
            weft__segmenter_begin(&c, weft_tokenizer_level(k), false, false);
            weft__segmenter_set(&c, text, n);
            if (weft__segment_next(&c)) abort(); /* every token of train is known */
        }
    }
    weft_tokenizer_free(k);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const format[] = {NULL,    "tsv",      "csv",
                                         "jsonl", "fasttext", "space"};
    if (!put(data, size)) return 0;
    for (size_t i = 0; i < sizeof format / sizeof *format; i++) {
        weft_dataset *t;
        weft_dataset_opts o = {.text.format = format[i],
                               .skip_bad = true,
                               .val = path,
                               .text.max_text_bytes = MOST_BYTES};
        if (weft_dataset_open(path, &o, &t)) continue;
        check(t);
        weft_dataset_close(t);
    }
    return 0;
}
