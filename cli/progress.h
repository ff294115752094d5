/* progress.h: a progress bar on a terminal, else a line now and then; all on stderr. */
#ifndef WEFT_CLI_PROGRESS_H
#define WEFT_CLI_PROGRESS_H

#include "weft/train.h"

#include <stdio.h>

typedef struct progress {
    bool terminal, quiet;
    double shown; /* when a line was last written */
    int epoch;
    bool open; /* a bar stands on the current line */
} progress;

progress progress_start(bool quiet);
void progress_step(progress *p, const weft_progress *now);
void progress_epoch(progress *p, const weft_epoch_row *row, int epochs, bool best);
void progress_duration(FILE *f, double seconds); /* "2m05s" */
void progress_end(progress *p);                  /* leaves the cursor on a fresh line */

#endif
