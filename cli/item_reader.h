/* item_reader.h: items of a command line: files and folders, or sentences, files of
 * lines, stdin. */
#ifndef WEFT_CLI_ITEM_READER_H
#define WEFT_CLI_ITEM_READER_H

#include "weft/fit.h"

typedef struct item_source {
    bool lines; /* items are lines of text, not files */
    bool whole; /* a file is one text */
    int batch;
    /* Called with at most `batch` items, in order. */
    weft_status (*take)(void *user, const weft_item *items, int n);
    void *user;
} item_source;

/* Reads all items that the words stand for. */
weft_status items_read(const item_source *s, char *const *word, int n);

#endif
