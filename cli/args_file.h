/* args_file.h: a command's options in a JSON file, so that a run can be gone on with. */
#ifndef WEFT_CLI_ARGS_FILE_H
#define WEFT_CLI_ARGS_FILE_H

#include "option.h"

/* Writes the data path and every option of c that has a value within its range, but those
 * that are of one call only. Atomic. */
weft_status args_write(const char *path, const command *c, const void *values,
                       const char *data);
/* Reads them back into *values; *data is fresh memory. Texts stay alive until the process
 * ends. */
weft_status args_read(const char *path, const command *c, void *values, char **data);

#endif
