/* vectors.c: any bytes as a file of pretrained vectors, text or .npz. */
#include "base/log.h"
#include "data/text/tokenizer/tokenizer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WIDTH = 3 };

static char path[64], tokens[80];

static void forget(void)
{
    unlink(path);
    unlink(tokens);
}

static int put(const char *name, const void *data, size_t size)
{
    FILE *f = fopen(name, "wb");
    if (!f) return 0;
    fwrite(data, 1, size, f);
    return !fclose(f);
}

/* A tokenizer that knows "red" and "blue". */
static weft_tokenizer *knows_two(void)
{
    weft_tokenizer *k = calloc(1, sizeof *k);
    if (!k) abort();
    k->granularity = WEFT_LEVEL_WORD;
    k->streams = k->length = 1;
    if (weft__string_table_add(&k->words, "red", 3) ||
        weft__string_table_add(&k->words, "blue", 4) != 1)
        abort();
    return k;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static weft_tokenizer *k;
    float table[4 * WIDTH] = {0};
    int width = -1, found = 0;
    if (!k) {
        weft_set_quiet(2);
        k = knows_two();
        snprintf(path, sizeof path, "/tmp/weft-fuzz-%ld", (long)getpid());
        snprintf(tokens, sizeof tokens, "%s.words", path);
        atexit(forget);
        put(tokens, "red\t1\nBlue\t0\n", 13);
    }
    if (!put(path, data, size)) return 0;
    if (weft_vectors_read(path, tokens, k, &width, NULL, NULL) && width != -1) abort();
    width = WIDTH;
    if (!weft_vectors_read(path, tokens, k, &width, table, &found) &&
        (found < 0 || found > 2))
        abort();
    for (int i = 0; i < 4 * WIDTH; i++)
        if (!isfinite(table[i])) abort();
    return 0;
}
