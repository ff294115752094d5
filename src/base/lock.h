/* lock.h: one process claims a folder; a second name for a file. */
#ifndef WEFT_SRC_BASE_LOCK_H
#define WEFT_SRC_BASE_LOCK_H

#include "base/error.h"

/* Creates path if need be, locks it until weft__lock_drop or the end of the process,
 * and writes the process's number into it. WEFT_EIO "in use by process N" when
 * another holds it, or when the folder cannot be written. *lock is a number for
 * weft__lock_drop. */
weft_status weft__lock_take(const char *path, int *lock);
void weft__lock_drop(int lock); /* negative: nothing */

/* Makes `to` another name of the file `from`, in place of what `to` named. WEFT_EIO. */
weft_status weft__file_link(const char *from, const char *to);

#endif
