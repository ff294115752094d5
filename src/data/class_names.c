/* class_names.c: class names from text files, one a line. */
#include "data/class_names.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_BYTES = 1 << 20, MOST = 65536 };

static void drop(char **name, int n)
{
    for (int i = 0; name && i < n; i++) free(name[i]);
    free(name);
}

/* Cuts blanks off both ends of text[0..n). */
static const char *trim(const char *text, size_t *n)
{
    while (*n && strchr(" \t\r", text[*n - 1])) --*n;
    while (*n && strchr(" \t", *text)) text++, --*n;
    return text;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static weft_status check_equal(char **name, int n)
{
    char **sorted = weft__alloc((size_t)n + 1, sizeof *sorted);
    weft_status s = WEFT_OK;
    if (!sorted) return weft__fail(WEFT_ENOMEM, "no memory for %d names", n);
    for (int i = 0; i < n; i++) sorted[i] = name[i];
    qsort(sorted, (size_t)n, sizeof *sorted, by_text);
    for (int i = 1; !s && i < n; i++)
        if (!strcmp(sorted[i - 1], sorted[i]))
            s = weft__fail(WEFT_EDATA, "class \"%s\" is there twice", sorted[i]);
    free(sorted);
    return s;
}

/* Cuts text into lines. */
static weft_status cut(const char *text, size_t size, int most, char **name, int *count)
{
    size_t at = 0;
    int line = 0;
    if (memchr(text, 0, size)) return weft__fail(WEFT_EDATA, "a NUL byte in the names");
    while (size && strchr(" \t\r\n", text[size - 1])) size--;
    if (size >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) at = 3;
    while (at < size) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t n = end ? (size_t)(end - text) - at : size - at, length = n;
        const char *word = trim(text + at, &length);
        line++;
        if (!length) return weft__fail(WEFT_EDATA, "line %d: an empty name", line);
        if (*count == most)
            return weft__fail(WEFT_EDATA, "line %d: more than %d names", line, most);
        name[*count] = strndup(word, length);
        if (!name[*count]) return weft__fail(WEFT_ENOMEM, "no memory for names");
        ++*count;
        at += n + 1;
    }
    if (!*count) return weft__fail(WEFT_EDATA, "no names in it");
    return check_equal(name, *count);
}

weft_status weft__names_read(const char *path, int most, char ***out, int *count)
{
    unsigned char *text;
    size_t size;
    char **name;
    int n = 0;
    weft_status s;
    *count = 0;
    if (!weft__is_file(path)) return WEFT_OK;
    s = weft__file_read(path, FILE_BYTES, &text, &size);
    if (s) return s;
    name = weft__alloc((size_t)most + 1, sizeof *name);
    if (!name)
        s = weft__fail(WEFT_ENOMEM, "no memory for names");
    else
        s = cut((const char *)text, size, most, name, &n);
    free(text);
    if (s) {
        drop(name, n);
        return weft__prefix(s, "%s", path);
    }
    *out = name;
    *count = n;
    return WEFT_OK;
}

weft_status weft__names_in_folder(const char *folder, char ***name, int *count)
{
    static const char *const file[] = {"labels.txt", "classes.txt", "class.txt"};
    *count = 0;
    for (size_t i = 0; i < sizeof file / sizeof *file && !*count; i++) {
        char *path = weft__path_join(folder, file[i]);
        weft_status s = path ? weft__names_read(path, MOST, name, count)
                             : weft__fail(WEFT_ENOMEM, "no memory for a path");
        free(path);
        if (s) return s;
    }
    return WEFT_OK;
}

static bool is_fashion_mnist(const char *folder)
{
    char lower[512];
    size_t n = strlen(folder), from = n < sizeof lower ? 0 : n - sizeof lower + 1;
    for (size_t i = from; i <= n; i++) {
        char c = folder[i];
        lower[i - from] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    return strstr(lower, "fashion") != NULL;
}

weft_status weft__names_known(const char *folder, int n, char ***out, int *count)
{
    static const char *const fashion[] = {"T-shirt", "Trouser",   "Pullover", "Dress",
                                          "Coat",    "Sandal",    "Shirt",    "Sneaker",
                                          "Bag",     "Ankle boot"};
    if (n != 10 || !is_fashion_mnist(folder)) return weft__names_numbered(n, out, count);
    char **name = weft__alloc(10, sizeof *name);
    if (!name) return weft__fail(WEFT_ENOMEM, "no memory for 10 names");
    for (int i = 0; i < n; i++) {
        name[i] = strdup(fashion[i]);
        if (!name[i]) {
            drop(name, i);
            return weft__fail(WEFT_ENOMEM, "no memory for 10 names");
        }
    }
    *out = name;
    *count = n;
    return WEFT_OK;
}

weft_status weft__names_numbered(int n, char ***out, int *count)
{
    char **name = weft__alloc((size_t)n + 1, sizeof *name);
    if (!name) return weft__fail(WEFT_ENOMEM, "no memory for %d names", n);
    for (int i = 0; i < n; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        name[i] = strdup(text);
        if (!name[i]) {
            drop(name, i);
            return weft__fail(WEFT_ENOMEM, "no memory for %d names", n);
        }
    }
    *out = name;
    *count = n;
    return WEFT_OK;
}
