/* main.c: runs a fuzz target without libFuzzer: every file of a corpus, and damaged
 * copies of it.
 *
 *   build/fuzz/NAME fuzz/corpus/NAME       all of it (a ctest)
 *   build/fuzz/NAME FILE                   one file and its damaged copies
 *   build/fuzz/NAME FILE@7                 only copy 7 of it, to look into a finding
 *
 * Copy 0 is the file itself, 1 to CUTS end early, the rest have a few bytes changed,
 * dropped, doubled or made extreme. The copies depend on the file and the number
 * only. */
#define _GNU_SOURCE
#include "base/cpu.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/rng.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CUTS = 32, CHANGES = 300, LARGEST = 64 << 20 };
static const double SECONDS = 60; /* for one program; a slow machine does fewer copies */

static char doing[1200]; /* "FILE@N", for the last words */
static long inputs;
static double began;

static void tell(void)
{
    static const char before[] = "\nfuzz input: ";
    ssize_t ignored = write(2, before, sizeof before - 1);
    ignored = write(2, doing, strlen(doing));
    ignored = write(2, "\n", 1);
    (void)ignored;
}

static void on_signal(int number)
{
    tell();
    signal(number, SIG_DFL);
    raise(number);
}

/* AddressSanitizer calls this before it writes its report. */
void __asan_on_error(void);
void __asan_on_error(void)
{
    tell();
}

/* One change at a random place; may make the input shorter or up to 16 bytes longer. */
static size_t change(unsigned char *p, size_t size, weft__rng *r)
{
    static const unsigned char extreme[] = {0, 1, 0x7f, 0x80, 0xff};
    size_t at = size ? weft__rng_below(r, (uint32_t)size) : 0;
    size_t n = 1 + weft__rng_below(r, 16);
    if (!size) return 0;
    switch (weft__rng_below(r, 6)) {
    case 0:
        p[at] ^= (unsigned char)(1 << weft__rng_below(r, 8));
        return size;
    case 1:
        p[at] = (unsigned char)weft__rng_u32(r);
        return size;
    case 2: /* a number of 1, 2, 4 or 8 bytes at an end of its range */
        n = (size_t)1 << weft__rng_below(r, 4);
        memset(p + at, extreme[weft__rng_below(r, sizeof extreme)],
               n < size - at ? n : size - at);
        return size;
    case 3:
        if (n > size - at) n = size - at;
        memmove(p + at, p + at + n, size - at - n);
        return size - n;
    case 4:
        if (n > size - at) n = size - at;
        memmove(p + at + n, p + at, size - at);
        return size + n;
    default:
        p[at] = (unsigned char)(p[at] + 1 - 2 * weft__rng_below(r, 2));
        return size;
    }
}

static void run_copy(const char *path, const unsigned char *data, size_t size, int number)
{
    weft__rng r =
        weft__rng_at(weft__crc32(0, data, size), WEFT_RNG_TEST, (uint64_t)number);
    size_t n = size;
    unsigned char *exact, *p = malloc(size + 8 * 16 + 1);
    if (!p) exit(1);
    if (size) memcpy(p, data, size);
    snprintf(doing, sizeof doing, "%.1000s@%d", path, number);
    if (number > 0 && number <= CUTS)
        n = size * (size_t)(number - 1) / CUTS;
    else if (number > CUTS)
        for (int left = 1 + (int)weft__rng_below(&r, 8); left > 0; left--)
            n = change(p, n, &r);
    exact = malloc(n ? n : 1); /* so that one byte too far is seen */
    if (!exact) exit(1);
    memcpy(exact, p, n);
    free(p);
    LLVMFuzzerTestOneInput(exact, n);
    free(exact);
    inputs++;
}

static void run_file(const char *path)
{
    const char *at = strrchr(path, '@');
    bool one = at && at[1] && strspn(at + 1, "0123456789") == strlen(at + 1);
    char *name = one ? strndup(path, (size_t)(at - path)) : strdup(path);
    unsigned char *data;
    size_t size;
    if (!name || weft__file_read(name, LARGEST, &data, &size)) {
        fprintf(stderr, "%s\n", weft_last_error());
        exit(1);
    }
    if (one)
        run_copy(name, data, size, atoi(at + 1));
    else
        for (int i = 0; i <= CUTS + CHANGES; i++)
            if (!i || weft__seconds() - began < SECONDS) run_copy(name, data, size, i);
    free(data);
    free(name);
}

static void run_folder(const char *path)
{
    weft__names names;
    if (weft__folder_list(path, 100000, &names)) {
        fprintf(stderr, "%s\n", weft_last_error());
        exit(1);
    }
    for (size_t i = 0; i < names.count; i++) {
        char *inner = weft__path_join(path, names.name[i]);
        if (inner && *names.name[i] != '.') run_file(inner);
        free(inner);
    }
    weft__names_free(&names);
}

int main(int argc, char **argv)
{
    static const int deadly[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++)
        signal(deadly[i], on_signal);
    began = weft__seconds();
    for (int i = 1; i < argc; i++) {
        if (weft__is_folder(argv[i]))
            run_folder(argv[i]);
        else
            run_file(argv[i]);
    }
    printf("%ld inputs\n", inputs);
    return inputs ? 0 : 1;
}
