/* print.h: what flows, on a terminal and as JSON. */
#ifndef WEFT_CLI_FLOW_PRINT_H
#define WEFT_CLI_FLOW_PRINT_H

#include "flow/setup.h"

/* n 1, or 2 to compare. */
void flow_print_text(const flow_setup *s, int n);
void flow_print_json(const flow_setup *s, int n);
/* "[batch, 16, 28, 28]" of a value; size at least 100. */
void flow_shape_text(const weft_graph *g, weft_value v, char *text, size_t size);

#endif
