/* test.h: cmocka in our words. A test is a static void whose name is the claim:
 *
 *     static void arena_memory_is_zero(void **state) { CHECK(...); }
 *     RUN_TESTS(TEST(arena_memory_is_zero), TEST(...))
 *
 * The program runs all of them, or with an argument only those whose names match it
 * (`./base.arena 'arena_*'`). A failing check prints file, line and the seed. */
#ifndef WEFT_TEST_H
#define WEFT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The seed of property tests: WEFT_TEST_SEED, or always the same. Shown on failure. */
static inline uint64_t test_seed(void)
{
    const char *text = getenv("WEFT_TEST_SEED");
    return text && *text ? strtoull(text, NULL, 0) : 20240229;
}

static inline void test__fail(const char *file, int line, const char *what)
{
    print_error("%s\nagain with: WEFT_TEST_SEED=%llu\n", what,
                (unsigned long long)test_seed());
    _fail(file, line);
}

static inline void test__check(bool ok, const char *cond, const char *file, int line)
{
    char what[512];
    if (ok) return;
    snprintf(what, sizeof what, "does not hold: %s (last message: \"%s\")", cond,
             weft_last_error());
    test__fail(file, line, what);
}

static inline void test__text(const char *a, const char *b, const char *file, int line)
{
    char what[2560];
    if (a && b && !strcmp(a, b)) return;
    snprintf(what, sizeof what, "texts differ:\n  \"%.1200s\"\n  \"%.1200s\"",
             a ? a : "(null)", b ? b : "(null)");
    test__fail(file, line, what);
}

static inline void test__has(const char *text, const char *part, const char *file,
                             int line)
{
    char what[2560];
    if (text && strstr(text, part)) return;
    snprintf(what, sizeof what, "text \"%.1200s\"\n  has no \"%.1200s\"",
             text ? text : "(null)", part);
    test__fail(file, line, what);
}

static inline void test__near(double a, double b, double tolerance, const char *text,
                              const char *file, int line)
{
    char what[512];
    if (fabs(a - b) <= tolerance || (isinf(a) && a == b))
        return; /* NaN is near nothing */
    snprintf(what, sizeof what, "%s: %.9g and %.9g differ by %.3g, allowed %.3g", text, a,
             b, fabs(a - b), tolerance);
    test__fail(file, line, what);
}

/* Not from a thread other than the test's own: they leave the test by longjmp. */
#define FAIL(why) test__fail(__FILE__, __LINE__, why)
#define CHECK(cond) test__check(!!(cond), #cond, __FILE__, __LINE__)
/* Equal strings; a substring. */
#define CHECK_TEXT(a, b) test__text(a, b, __FILE__, __LINE__)
#define CHECK_HAS(text, part) test__has(text, part, __FILE__, __LINE__)
#define CHECK_NEAR(a, b, tolerance) \
    test__near(a, b, tolerance, #a " and " #b, __FILE__, __LINE__)

/* ---- a folder of the test's own ---- */

static inline void test__remove(const char *path)
{
    struct stat st;
    weft__names names;
    if (lstat(path, &st)) return;
    if (!S_ISDIR(st.st_mode)) {
        unlink(path);
        return;
    }
    chmod(path, 0700);
    if (!weft__folder_list(path, SIZE_MAX, &names)) {
        for (size_t i = 0; i < names.count; i++) {
            char *inner = weft__path_join(path, names.name[i]);
            if (inner) test__remove(inner);
            free(inner);
        }
        weft__names_free(&names);
    }
    rmdir(path);
}

static char test__folder[256];

/* An empty folder for this program, made at the first call and removed at its end. */
static inline const char *test_folder(void)
{
    const char *base = getenv("TMPDIR");
    if (*test__folder) return test__folder;
    snprintf(test__folder, sizeof test__folder, "%.200s/weft-test-XXXXXX",
             base && *base ? base : "/tmp");
    if (!mkdtemp(test__folder)) {
        perror(test__folder);
        exit(1);
    }
    return test__folder;
}

/* "FOLDER/NAME" in one of eight static buffers that are used in turn. */
static inline const char *test_path(const char *name)
{
    static char path[8][1024];
    static int turn;
    char *p = path[turn++ % 8];
    snprintf(p, sizeof path[0], "%s/%s", test_folder(), name);
    return p;
}

static inline void test_write(const char *path, const void *data, size_t bytes)
{
    FILE *f = fopen(path, "wb");
    CHECK(f != NULL);
    CHECK(fwrite(data, 1, bytes, f) == bytes);
    CHECK(fclose(f) == 0);
}

/* ---- the program ---- */

static inline int test__run(const struct CMUnitTest *tests, size_t n, int argc,
                            char **argv)
{
    int failed;
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    failed = _cmocka_run_group_tests(argv[0], tests, n, NULL, NULL);
    if (*test__folder) test__remove(test__folder);
    return failed ? 1 : 0;
}

#define TEST(function) cmocka_unit_test(function)
#define RUN_TESTS(...) \
    int main(int argc, char **argv) \
    { \
        const struct CMUnitTest tests[] = {__VA_ARGS__}; \
        return test__run(tests, sizeof tests / sizeof *tests, argc, argv); \
    }

#endif
