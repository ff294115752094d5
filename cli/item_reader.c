/* item_reader.c: items of a command line: files and folders, or sentences, files of
 * lines, stdin. */
#include "item_reader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_TEXT = 1 << 20 };

static weft_status no_memory(void)
{
    return weft_fail(WEFT_ENOMEM, "predict: out of memory");
}

/* ---- a batch of items ---- */

typedef struct reader {
    const item_source *s;
    weft_item *item; /* [batch] */
    char **own;      /* [batch], fresh memory each */
    int count;
} reader;

static weft_status flush(reader *r)
{
    weft_status s = r->count ? r->s->take(r->s->user, r->item, r->count) : WEFT_OK;
    while (r->count > 0) free(r->own[--r->count]);
    return s;
}

/* text is fresh memory, taken over. */
static weft_status add(reader *r, char *text)
{
    if (!text) return no_memory();
    r->own[r->count] = text;
    r->item[r->count] =
        r->s->lines ? (weft_item){.text = text} : (weft_item){.path = text};
    return ++r->count == r->s->batch ? flush(r) : WEFT_OK;
}

/* ---- files ---- */

static bool is_folder(const char *path)
{
    struct stat info;
    return !stat(path, &info) && S_ISDIR(info.st_mode);
}

static int looks_like_picture(const struct dirent *entry)
{
    static const char *const endings[] = {".png", ".jpg", ".jpeg", ".pnm",
                                          ".ppm", ".pgm", ".bmp"};
    const char *dot = strrchr(entry->d_name, '.');
    for (size_t i = 0;
         dot && entry->d_name[0] != '.' && i < sizeof endings / sizeof *endings; i++)
        if (!strcasecmp(dot, endings[i])) return 1;
    return 0;
}

static int bytewise(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static weft_status add_folder(reader *r, const char *path)
{
    struct dirent **entry = NULL;
    int n = scandir(path, &entry, looks_like_picture, bytewise);
    if (n < 0) return weft_fail(WEFT_EIO, "%s: %s", path, strerror(errno));
    weft_status s =
        n ? WEFT_OK
          : weft_fail(WEFT_EDATA,
                      "%s: looked for pictures (.png .jpg .jpeg .pnm .ppm .pgm "
                      ".bmp), found none",
                      path);
    for (int i = 0; i < n; i++) {
        size_t size = strlen(path) + strlen(entry[i]->d_name) + 2;
        char *full = s ? NULL : malloc(size);
        if (full) snprintf(full, size, "%s/%s", path, entry[i]->d_name);
        if (!s) s = add(r, full);
        free(entry[i]);
    }
    free(entry);
    return s;
}

/* ---- lines: each at most MOST_TEXT bytes, what is beyond is left out ---- */

typedef struct lines {
    int fd;
    char buffer[1 << 16];
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

/* A NUL inside a text is a blank, as nothing can stand after it otherwise. */
static bool append(lines *l, const char *from, size_t n)
{
    if (n > MOST_TEXT - l->length) n = MOST_TEXT - l->length;
    if (!grow(l, l->length + n + 1)) return false;
    for (size_t i = 0; i < n; i++) l->line[l->length++] = from[i] ? from[i] : ' ';
    return true;
}

static char *take_line(lines *l)
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

static weft_status read_lines(reader *r, lines *l, const char *name)
{
    weft_status s = WEFT_OK;
    bool open_line = false;
    while (!s) {
        /* whoever writes line by line gets answers line by line */
        if (r->count && nothing_waits(l->fd)) s = flush(r);
        ssize_t got = read(l->fd, l->buffer, sizeof l->buffer);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0)
            return weft_fail(WEFT_EIO, "%s: cannot be read: %s", name, strerror(errno));
        if (!got) break;
        const char *at = l->buffer, *end = at + got;
        while (at < end && !s) {
            const char *stop = r->s->whole ? NULL : memchr(at, '\n', (size_t)(end - at));
            open_line = !stop;
            if (!append(l, at, (size_t)((stop ? stop : end) - at))) return no_memory();
            if (stop) s = add(r, take_line(l));
            at = stop ? stop + 1 : end;
        }
    }
    return s || !open_line ? s : add(r, take_line(l));
}

static weft_status from_descriptor(reader *r, int fd, const char *name)
{
    lines *l = calloc(1, sizeof *l);
    if (!l) return no_memory();
    l->fd = fd;
    weft_status s = read_lines(r, l, name);
    free(l->line);
    free(l);
    return s;
}

static weft_status from_file(reader *r, const char *path)
{
    if (is_folder(path))
        return weft_fail(WEFT_EUSAGE, "%s: is a folder; give its files", path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return weft_fail(WEFT_EIO, "%s: cannot be opened: %s", path, strerror(errno));
    weft_status s = from_descriptor(r, fd, path);
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

static weft_status add_word(reader *r, const char *word)
{
    if (!r->s->lines) return is_folder(word) ? add_folder(r, word) : add(r, strdup(word));
    if (!strcmp(word, "-")) return from_descriptor(r, STDIN_FILENO, "standard input");
    if (access(word, F_OK) == 0) return from_file(r, word);
    if (meant_as_file(word)) return weft_fail(WEFT_EIO, "%s: no such file", word);
    return add(r, strdup(word));
}

weft_status items_read(const item_source *source, char *const *word, int n)
{
    reader r = {.s = source};
    r.item = calloc((size_t)source->batch, sizeof *r.item);
    r.own = calloc((size_t)source->batch, sizeof *r.own);
    weft_status s = r.item && r.own ? WEFT_OK : no_memory();
    for (int i = 0; i < n && !s; i++) s = add_word(&r, word[i]);
    if (!s) s = flush(&r);
    while (r.count > 0) free(r.own[--r.count]);
    free(r.item);
    free(r.own);
    return s;
}
