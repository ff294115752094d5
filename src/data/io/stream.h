/* stream.h: a text file byte by byte, packed or not, in bounded memory. */
#ifndef WEFT_SRC_DATA_IO_STREAM_H
#define WEFT_SRC_DATA_IO_STREAM_H

#include "data/io/inflate.h"

#include <stdio.h>

typedef struct weft__stream {
    const char *path; /* for messages; the caller's */
    FILE *file;       /* NULL: all of it is in memory */
    weft__inflate *z;
    unsigned char *packed, *buffer; /* buffer is NULL when all of it is in memory */
    size_t packed_at, packed_end;
    const unsigned char *data;
    size_t at, end;
    int line; /* from 1, of the next byte */
    bool open_member;
    weft_status status; /* the first failure; then the stream ends */
} weft__stream;

/* Opens a regular file; gzip is known by content. A byte order mark is skipped;
 * UTF-16 is WEFT_EDATA. path must outlive the stream. */
weft_status weft__stream_open(weft__stream *s, const char *path);
/* The same for bytes in memory, not unpacked. */
weft_status weft__stream_memory(weft__stream *s, const char *path, const void *data,
                                size_t bytes);
void weft__stream_close(weft__stream *s);
/* Fetches more; false at the end or after a failure. */
bool weft__stream_fill(weft__stream *s);

/* The next byte, or -1. */
static inline int weft__stream_byte(weft__stream *s)
{
    int c;
    if (s->at == s->end && !weft__stream_fill(s)) return -1;
    c = s->data[s->at++];
    s->line += c == '\n';
    return c;
}

/* The same, left where it is. */
static inline int weft__stream_peek(weft__stream *s)
{
    if (s->at == s->end && !weft__stream_fill(s)) return -1;
    return s->data[s->at];
}

/* Skips the rest of the line, its end included. */
void weft__stream_skip_line(weft__stream *s);

#endif
