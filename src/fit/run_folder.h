/* run_folder.h: where a run's files go. */
#ifndef WEFT_SRC_FIT_RUN_FOLDER_H
#define WEFT_SRC_FIT_RUN_FOLDER_H

#include "weft/base.h"

#include <stdbool.h>
#include <stddef.h>

/* Makes project/task/name, or name2, name3 ... when that is taken; out receives the
 * path. A name that was given is refused when it is taken, unless force is set. data:
 * the set, outside of which it must lie (NULL: anywhere). *fresh: it was not there
 * before. WEFT_EUSAGE, WEFT_EIO. */
weft_status weft__run_folder_make(const char *project, const char *task, const char *name,
                                  bool given, bool force, const char *data, char *out,
                                  size_t size, bool *fresh);
/* Removes what an earlier run left there, by the names that runs use (keep_list: not
 * bad.tsv, which is this run's already). WEFT_EIO when another process is at work in
 * it. */
weft_status weft__run_folder_clear(const char *path, bool keep_list);
/* Takes back weft__run_folder_make, unless the run has saved something. */
void weft__run_folder_undo(const char *path);
/* WEFT_EUSAGE when path (a file that may not be there yet) lies inside data. */
weft_status weft__run_folder_outside(const char *path, const char *data,
                                     const char *option);

#endif
