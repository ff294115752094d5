/* run_folder.h: where a run's files go. */
#ifndef WEFT_CLI_RUN_FOLDER_H
#define WEFT_CLI_RUN_FOLDER_H

#include "weft/base.h"

#include <stdbool.h>
#include <stddef.h>

/* project/task/name, or name2, name3 ... when that is taken; out receives the path. A
 * name that was given is refused when it is taken, unless force is set. data: the set,
 * outside of which it must lie (NULL: anywhere). WEFT_EUSAGE, WEFT_EIO. */
weft_status run_folder_choose(const char *project, const char *task, const char *name,
                              bool given, bool force, const char *data, char *out,
                              size_t size);

#endif
