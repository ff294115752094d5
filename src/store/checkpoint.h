/* checkpoint.h: training state in one file: safetensors layout (8-byte header length,
 * JSON header, data) with a checksum per section, replaced atomically, the generation
 * before kept. */
#ifndef WEFT_SRC_STORE_CHECKPOINT_H
#define WEFT_SRC_STORE_CHECKPOINT_H

#include "base/error.h"
#include "weft/store.h"

/* A checkpoint in memory: text facts (numbers, hashes, options as text) and named float
 * tensors. */
typedef struct weft__checkpoint weft__checkpoint;

weft__checkpoint *weft__checkpoint_new(void);
void weft__checkpoint_free(weft__checkpoint *c);
weft_meta *weft__checkpoint_meta(weft__checkpoint *c); /* belongs to c */
/* Adds a tensor. The data are borrowed until the checkpoint was written. */
weft_status weft__checkpoint_put(weft__checkpoint *c, const char *name, weft_shape shape,
                                 const float *data, size_t count);
/* NULL when absent or of another count. Belongs to c. */
const float *weft__checkpoint_get(const weft__checkpoint *c, const char *name,
                                  size_t count);
int weft__checkpoint_count(const weft__checkpoint *c);
const char *weft__checkpoint_name(const weft__checkpoint *c, int i, weft_shape *shape);

/* Writes path atomically; what stood there becomes path.previous. WEFT_EIO: the old one
 * stands. */
weft_status weft__checkpoint_write(const weft__checkpoint *c, const char *path);
/* Reads path, or, when it is damaged, path.previous with a warning. Never trusts the
 * file. WEFT_EMODEL "checksum mismatch in section S", "written by version N" ...;
 * WEFT_EIO when there is none. */
weft_status weft__checkpoint_read(const char *path, weft__checkpoint **out);
/* One file, no fallback: for tests and fuzzing. */
weft_status weft__checkpoint_parse(const void *data, size_t bytes,
                                   weft__checkpoint **out);

#endif
