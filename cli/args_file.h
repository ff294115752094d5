/* args_file.h: a command's options in a JSON file, so that a run can be gone on with. */
#ifndef WEFT_CLI_ARGS_FILE_H
#define WEFT_CLI_ARGS_FILE_H

#include "option.h"

/* Writes the data path and every option of c that has a value within its range, but those
 * that are of one call only, or that are left out (NULL: none). Atomic. */
weft_status args_write(const char *path, const command *c, const void *values,
                       const char *data, bool (*left_out)(const char *name));
/* The texts that a read has put into options; zero at first. */
typedef struct args_texts {
    char *text[64];
    int n;
} args_texts;
void args_texts_free(args_texts *t);
/* Reads them back into *values, whose texts *texts then owns; *data is fresh memory. */
weft_status args_read(const char *path, const command *c, void *values, args_texts *texts,
                      char **data);

#endif
