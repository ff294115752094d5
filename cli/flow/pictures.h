/* pictures.h: what a picture network sees: filters, feature maps, and where it looks
 * (Grad-CAM). */
#ifndef WEFT_CLI_FLOW_PICTURES_H
#define WEFT_CLI_FLOW_PICTURES_H

#include "flow/setup.h"

#include "report/flow.h"

enum { FLOW_SHOWN = 4, FLOW_MAPS = 12 };

/* An image and the memory that it borrows. */
typedef struct flow_image {
    weft__flow_image as;
    unsigned char *png;
    char caption[100], detail[160];
} flow_image;

typedef struct flow_pictures {
    flow_image cam[3 * FLOW_SHOWN], filter[1], map[FLOW_MAPS];
    weft__flow_image list[3][3 * FLOW_SHOWN + FLOW_MAPS];
    weft__flow_gallery gallery[3];
    int galleries, cams, filters, maps;
} flow_pictures;

/* Runs the first few samples through the network as it predicts. Leaves out all
 * there is when the build cannot write PNG. */
weft_status flow_pictures_make(flow_setup *s, flow_pictures *out);
void flow_pictures_free(flow_pictures *p);

#endif
