/* page.h: what flows, as one HTML page. */
#ifndef WEFT_CLI_FLOW_PAGE_H
#define WEFT_CLI_FLOW_PAGE_H

#include "flow/setup.h"

/* n 1, or 2 to compare. */
weft_status flow_page_write(flow_setup *s, int n, const char *path);

#endif
