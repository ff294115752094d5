/* predict_text.c: `weft predict` with a model for texts. */
#include "predict.h"

#include "base/checked.h"
#include "base/error.h"
#include "base/file.h"
#include "base/width.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_TEXT = 1 << 20, SHOWN = 60 };

typedef struct predictor {
    const predict_args *a;
    const trained *m;
    int classes, batch, top, count;
    char **text; /* [batch], fresh memory each; count are there */
    float *probabilities;
    int *length, *unknown, *order;
    json_t *results;
} predictor;

static weft_status no_memory(void)
{
    return weft__fail(WEFT_ENOMEM, "predict: out of memory");
}

static weft_status start(predictor *p)
{
    p->classes = trained_classes(p->m);
    p->batch = p->a->batch ? p->a->batch : 64;
    p->top = p->a->top ? p->a->top : 1;
    if (p->top > p->classes) p->top = p->classes;
    size_t batch = (size_t)p->batch, classes = (size_t)p->classes;
    p->text = weft__alloc(batch, sizeof *p->text);
    p->probabilities = weft__alloc(batch * classes, sizeof *p->probabilities);
    p->length = weft__alloc(batch, sizeof *p->length);
    p->unknown = weft__alloc(batch, sizeof *p->unknown);
    p->order = weft__alloc(classes, sizeof *p->order);
    p->results = p->a->json ? json_array() : NULL;
    bool all = p->text && p->probabilities && p->length && p->unknown && p->order;
    return all ? WEFT_OK : no_memory();
}

static void forget(predictor *p)
{
    for (int i = 0; i < p->count; i++) free(p->text[i]);
    p->count = 0;
}

static void finish(predictor *p)
{
    forget(p);
    free(p->text);
    free(p->probabilities);
    free(p->length);
    free(p->unknown);
    free(p->order);
    json_decref(p->results);
}

static void tell(predictor *p, int i)
{
    char shown[4200];
    const float *x = p->probabilities + (size_t)i * (size_t)p->classes;
    weft__escape(shown, sizeof shown, p->text[i]);
    if (p->results) {
        json_array_append_new(p->results,
                              json_pack("{s:s, s:i, s:i, s:o}", "text", shown, "tokens",
                                        p->length[i], "unknown", p->unknown[i], "top",
                                        predict_rows(p->m, x, p->top, p->order)));
        return;
    }
    int taken;
    size_t bytes = weft__text_fit(shown, SHOWN, &taken);
    predict_print(p->m, x, p->top, p->order);
    printf("\t%.*s%s\n", (int)bytes, shown, shown[bytes] ? "\xe2\x80\xa6" : "");
}

/* What has been collected. A batch that is not full goes one by one, for which there is a
 * plan already. */
static weft_status flush(predictor *p)
{
    weft_status s = WEFT_OK;
    int step = p->count == p->batch ? p->count : 1;
    for (int i = 0; i < p->count && !s; i += step)
        s = weft_classify_texts(p->m->texts, (const char *const *)p->text + i, step,
                                p->probabilities + (size_t)i * (size_t)p->classes,
                                p->length + i, p->unknown + i);
    for (int i = 0; i < p->count && !s; i++) tell(p, i);
    forget(p);
    if (!s && !p->results) fflush(stdout);
    return s;
}

/* text is fresh memory, taken over. */
static weft_status add(predictor *p, char *text)
{
    if (!text) return no_memory();
    p->text[p->count++] = text;
    return p->count == p->batch ? flush(p) : WEFT_OK;
}

/* Lines from a file, each at most MOST_TEXT bytes: what is beyond is left out. */
typedef struct lines {
    int fd;
    char buffer[1 << 16];
    size_t at, used;
    char *line;
    size_t length, room;
} lines;

static bool grow(lines *l, size_t need)
{
    if (need <= l->room) return true;
    size_t room = l->room ? l->room * 2 : 4096;
    while (room < need) room *= 2;
    char *line = realloc(l->line, room);
    if (!line) return false;
    l->line = line;
    l->room = room;
    return true;
}

/* A NUL inside a text is a blank, as nothing can stand behind it otherwise. */
static bool keep(lines *l, const char *from, size_t n)
{
    if (n > MOST_TEXT - l->length) n = MOST_TEXT - l->length;
    if (!grow(l, l->length + n + 1)) return false;
    for (size_t i = 0; i < n; i++) l->line[l->length++] = from[i] ? from[i] : ' ';
    return true;
}

static char *take(lines *l)
{
    if (!grow(l, l->length + 1)) return NULL;
    if (l->length && l->line[l->length - 1] == '\r') l->length--;
    l->line[l->length] = '\0';
    l->length = 0;
    return strdup(l->line);
}

static bool nothing_waits(int fd)
{
    struct pollfd in = {.fd = fd, .events = POLLIN};
    return poll(&in, 1, 0) == 0;
}

static weft_status read_lines(predictor *p, lines *l, const char *name)
{
    weft_status s = WEFT_OK;
    bool open_line = false;
    while (!s) {
        /* whoever writes line by line gets answers line by line */
        if (p->count && nothing_waits(l->fd)) s = flush(p);
        ssize_t got = read(l->fd, l->buffer, sizeof l->buffer);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return weft__fail_errno(WEFT_EIO, errno, "%s: cannot be read", name);
        if (!got) break;
        const char *at = l->buffer, *end = at + got;
        while (at < end && !s) {
            const char *stop = p->a->whole ? NULL : memchr(at, '\n', (size_t)(end - at));
            open_line = !stop;
            if (!keep(l, at, (size_t)((stop ? stop : end) - at))) return no_memory();
            if (stop) s = add(p, take(l));
            at = stop ? stop + 1 : end;
        }
    }
    return s || !open_line ? s : add(p, take(l));
}

static weft_status from_descriptor(predictor *p, int fd, const char *name)
{
    lines *l = calloc(1, sizeof *l);
    if (!l) return no_memory();
    l->fd = fd;
    weft_status s = read_lines(p, l, name);
    free(l->line);
    free(l);
    return s;
}

static weft_status from_file(predictor *p, const char *path)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return weft__fail_errno(WEFT_EIO, errno, "%s: cannot be opened", path);
    weft_status s = WEFT_OK;
    if (!fstat(fd, &info) && S_ISDIR(info.st_mode))
        s = weft__fail(WEFT_EUSAGE, "%s: is a folder; give its files", path);
    if (!s) s = from_descriptor(p, fd, path);
    close(fd);
    return s;
}

/* A word with an ending or a slash was meant as a file. */
static bool meant_as_file(const char *word)
{
    static const char *const endings[] = {".txt", ".tsv", ".csv", ".jsonl"};
    size_t n = strlen(word);
    if (strpbrk(word, " \t\n")) return false;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t k = strlen(endings[i]);
        if (n > k && !strcmp(word + n - k, endings[i])) return true;
    }
    return word[0] == '/';
}

weft_status predict_texts(const predict_args *a, trained *m, char *const *item, int n)
{
    predictor p = {.a = a, .m = m};
    weft_status s = start(&p);
    for (int i = 0; i < n && !s; i++)
        if (!strcmp(item[i], "-"))
            s = from_descriptor(&p, STDIN_FILENO, "standard input");
        else if (access(item[i], F_OK) == 0)
            s = from_file(&p, item[i]);
        else if (meant_as_file(item[i]))
            s = weft__fail(WEFT_EIO, "%s: no such file", item[i]);
        else
            s = add(&p, strdup(item[i]));
    if (!s && p.count) s = flush(&p);
    if (!s && p.results) {
        json_t *root = json_pack("{s:s, s:O}", "task", "text", "results", p.results);
        json_dumpf(root, stdout, JSON_COMPACT | JSON_REAL_PRECISION(7));
        putchar('\n');
        json_decref(root);
    }
    finish(&p);
    return s;
}
