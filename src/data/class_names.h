/* class_names.h: class names from text files. */
#ifndef WEFT_SRC_DATA_CLASS_NAMES_H
#define WEFT_SRC_DATA_CLASS_NAMES_H

#include "weft/dataset.h"

/* One name a line (blanks at the ends and empty lines at the end dropped). *count is
 * left 0 when path is not there. At most `most` names; two equal ones are
 * WEFT_EDATA. */
weft_status weft__names_read(const char *path, int most, char ***name, int *count);
/* From labels.txt, classes.txt or class.txt in folder; *count is left 0 when none is
 * there. */
weft_status weft__names_in_folder(const char *folder, char ***name, int *count);
/* Fashion-MNIST's own names for ten classes in a folder whose path says "fashion"; else
 * numbers. */
weft_status weft__names_known(const char *folder, int n, char ***name, int *count);
/* "0", "1", ... */
weft_status weft__names_numbered(int n, char ***name, int *count);

#endif
