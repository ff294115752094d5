/* write.h: write(2) without the signals that come with its failures. */
#ifndef WEFT_SRC_BASE_WRITE_H
#define WEFT_SRC_BASE_WRITE_H

#include <stddef.h>

/* Writes all of it, through EINTR and short writes. A closed pipe (SIGPIPE) or a size
 * limit (SIGXFSZ) is an errno, not the end of the process. Returns 0 or the errno. */
int weft__write_all(int fd, const void *data, size_t bytes);

#endif
