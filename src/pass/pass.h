/* pass.h: what the files of pass/ share. */
#ifndef WEFT_SRC_PASS_H
#define WEFT_SRC_PASS_H

#include "graph/plan.h"

/* Runs one step's part, and the trace if there is one. */
void weft__step_forward(weft_plan *p, weft__step *s);
void weft__step_backward(weft_plan *p, weft__step *s);

#endif
